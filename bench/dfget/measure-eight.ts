import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createTestNetwork, type NetworkNode, type TestNetwork } from '../../test/helpers/netns.ts'
import { type ChildProcess, startProcess } from '../../test/helpers/process.ts'
import { type Bench, dfgetCommand, emptyDirectory, startSupernode, userIn } from './bench.ts'
import { startOrigin } from './origin.ts'

const READERS = 8
/** Of every machine's link, in bit/s. */
export const EIGHT_RATE = 100e6
/** Longer than the readers are apart, so that nobody leaves before the last one is done. */
const LINGER_SECONDS = 600
const TIMEOUT_MS = 600_000

/** Eight readers of one file. */
export interface EightRun {
  /** From the start of the first to the last that had all of it. */
  readonly makespanMs: number
  /** What the origin sent. */
  readonly originBytes: number
}

/** All readers on one machine, and each on one of its own. */
export interface EightRound {
  readonly oneHost: EightRun
  readonly eightHosts: EightRun
}

/** Eight readers download a file at once through a supernode, every link limited. @throws Error when one of them fails */
export async function measureEight(bench: Bench): Promise<EightRound> {
  await using network = await createTestNetwork()
  const addNode = () => network.addNode({ rateBitsPerSecond: EIGHT_RATE })
  const host = await addNode()
  const oneHost = await measureReaders(
    bench,
    network,
    Array.from({ length: READERS }, () => host),
  )
  bench.heard('eight: readers on one host are done')
  const hosts: NetworkNode[] = []
  while (hosts.length < READERS) hosts.push(await addNode())
  const eightHosts = await measureReaders(bench, network, hosts)
  bench.heard('eight: readers on eight hosts are done')
  return { oneHost, eightHosts }
}

async function measureReaders(bench: Bench, network: TestNetwork, hosts: readonly NetworkNode[]): Promise<EightRun> {
  await using directory = await emptyDirectory(bench)
  await using origin = await startOrigin(await network.addNode({ rateBitsPerSecond: EIGHT_RATE }), {
    sizeBytes: bench.config.swarmSize,
  })
  const machine = await network.addNode({ rateBitsPerSecond: EIGHT_RATE })
  await using supernode = await startSupernode(bench, directory.path, machine)
  await using readers = new AsyncDisposableStack()
  await origin.counts()

  async function startReader(host: NetworkNode, index: number): Promise<ChildProcess> {
    bench.signal.throwIfAborted()
    const path = join(directory.path, `reader-${index}`)
    await mkdir(path)
    const swarm = [...supernode.flags, '--p2p-listen', `/ip4/${host.address}/tcp/0`]
    const args = [...swarm, '--linger', `${LINGER_SECONDS}`, '--quiet', '--json', '-O', join(path, 'file')]
    const [file, ...rest] = dfgetCommand(bench, ...args, `${origin.url}/file`)
    return readers.use(await startProcess(file, rest, { namespace: host.namespace, env: userIn(join(path, 'cache')) }))
  }

  const startedAt = performance.now()
  const started = await Promise.all(hosts.map(startReader))
  const done = { timeoutMs: TIMEOUT_MS }
  await Promise.all(
    started.map(reader => reader.waitForLine('stdout', line => line.startsWith('{"event":"done"'), done)),
  )
  const makespanMs = performance.now() - startedAt
  return { makespanMs, originBytes: (await origin.counts()).bytes }
}
