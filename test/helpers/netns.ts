import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { run } from './process.ts'

const PREFIX = 'dmsl'
const SUBNET = '10.77'
/** Where all nodes of test networks are, in CIDR form. */
export const TEST_NETWORK = `${SUBNET}.0.0/16`
const MAX_NODES = 250
/** tbf must hold at least one segment as the kernel hands it down before cutting it into packets: 64 KiB. */
const BURST = '256kb'
const QUEUE_LATENCY = '50ms'
/**
 * Whatever this machine has, so that flows share links in the same way everywhere: like Linux's default, cubic, it goes by losses, and every
 * kernel lets namespaces have it.
 */
const CONGESTION_CONTROL = 'reno'
/** A link-layer address of nobody's: frames to it vanish. It takes no module of the kernel, as filters of tc and iptables do. */
const NOBODY = '02:00:00:00:00:01'

/** A machine of a test network: a network namespace with a loopback and one address on the bridge. */
export interface NetworkNode {
  /** Name of the namespace, as `startProcess` takes it. */
  readonly namespace: string
  /** IPv4 address that the other nodes reach it by. */
  readonly address: string
}

/** Network namespaces around a bridge that lives in a namespace too, so that the machine's own network stays as it is. */
export interface TestNetwork extends AsyncDisposable {
  /** Adds a node. `rateBitsPerSecond` limits its link, each direction on its own. */
  addNode(options?: { rateBitsPerSecond?: number }): Promise<NetworkNode>
  /** Changes the rate of a link that was limited when its node was added. */
  setRate(node: NetworkNode, rateBitsPerSecond: number): Promise<void>
  /** Makes all that two nodes send to each other vanish, silently; what they exchange with others goes on. */
  cut(one: NetworkNode, other: NetworkNode): Promise<void>
  /** Undoes `cut`. */
  mend(one: NetworkNode, other: NetworkNode): Promise<void>
  /** Ends what still runs inside and removes every namespace. May be repeated. */
  remove(): Promise<void>
}

/** Makes an empty network, after removing those that runs now dead have left behind. Needs root and iproute2. */
export async function createTestNetwork(): Promise<TestNetwork> {
  await removeStaleNetworks()
  const name = `${PREFIX}-${process.pid}-${randomBytes(3).toString('hex')}`
  const bridge = `${name}-bridge`
  const namespaces: string[] = []

  async function addNamespace(namespace: string): Promise<void> {
    await run('ip', ['netns', 'add', namespace])
    namespaces.push(namespace)
    await ip(namespace, 'link set lo up')
    await run('sh', ['-c', `echo ${CONGESTION_CONTROL} > /proc/sys/net/ipv4/tcp_congestion_control`], { namespace })
  }

  async function remove(): Promise<void> {
    for (const namespace of namespaces.splice(0).reverse()) await removeNamespace(namespace)
  }

  try {
    await addNamespace(bridge)
    await ip(bridge, 'link add bridge type bridge')
    await ip(bridge, 'link set bridge up')
  } catch (error) {
    await remove()
    throw error
  }

  let nodes = 0
  return {
    async addNode({ rateBitsPerSecond } = {}) {
      nodes += 1
      if (nodes > MAX_NODES) throw new Error(`a test network holds ${MAX_NODES} nodes`)
      const [namespace, port, address] = [`${name}-${nodes}`, `port${nodes}`, `${SUBNET}.0.${nodes}`]
      await addNamespace(namespace)
      await ip(namespace, `link add eth0 type veth peer name ${port} netns ${bridge}`)
      await ip(bridge, `link set ${port} master bridge up`)
      await ip(namespace, `addr add ${address}/16 dev eth0`)
      await ip(namespace, 'link set eth0 up')
      if (rateBitsPerSecond !== undefined) {
        await setRate(namespace, 'eth0', rateBitsPerSecond, 'add')
        await setRate(bridge, port, rateBitsPerSecond, 'add')
      }
      return { namespace, address }
    },
    async setRate({ namespace }, rate) {
      const port = namespace.replace(/.*-/, 'port')
      await setRate(namespace, 'eth0', rate, 'change')
      await setRate(bridge, port, rate, 'change')
    },
    async cut(one, other) {
      await ip(one.namespace, `neigh replace ${other.address} lladdr ${NOBODY} dev eth0 nud permanent`)
      await ip(other.namespace, `neigh replace ${one.address} lladdr ${NOBODY} dev eth0 nud permanent`)
    },
    async mend(one, other) {
      await ip(one.namespace, `neigh del ${other.address} dev eth0`)
      await ip(other.namespace, `neigh del ${one.address} dev eth0`)
    },
    remove,
    [Symbol.asyncDispose]: remove,
  }
}

/** Removes the namespaces, and ends the processes in them, whose test run is dead. */
export async function removeStaleNetworks(): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'list'])
  for (const line of stdout.split('\n')) {
    const [namespace = '', pid] = new RegExp(`^${PREFIX}-(\\d+)-\\S+`).exec(line) ?? []
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) await removeNamespace(namespace)
  }
}

async function removeNamespace(namespace: string): Promise<void> {
  const { stdout } = await run('ip', ['netns', 'pids', namespace])
  for (const pid of stdout.split('\n').filter(Boolean)) kill(Number(pid))
  await run('ip', ['netns', 'delete', namespace])
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It ended by itself in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function setRate(
  namespace: string,
  device: string,
  bitsPerSecond: number,
  verb: 'add' | 'change',
): Promise<void> {
  const args = `qdisc ${verb} dev ${device} root tbf rate ${bitsPerSecond}bit burst ${BURST} latency ${QUEUE_LATENCY}`
  await run('tc', ['-n', namespace, ...args.split(' ')])
}

async function ip(namespace: string, args: string): Promise<void> {
  await run('ip', ['-n', namespace, ...args.split(' ')])
}
