import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { requestApi } from '../../lib/http/client/api-endpoint.ts'
import type { TaskAccount } from '../../protocol/messages/daemon-api.ts'
import type { ListedMember } from '../../protocol/messages/membership.ts'
import { ownersApi } from '../helpers/join.ts'
import { type NetworkNode, TEST_NETWORK } from '../helpers/netns.ts'
import { type ChildProcess, run, startProcess } from '../helpers/process.ts'
import { programMain } from '../helpers/program-main.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { waitFor } from '../helpers/wait.ts'
import { type Bench, createBench } from './bench.ts'
import { pushGeneratedImage } from './runtimes/generated-image.ts'
import type { PushedImage } from './runtimes/image.ts'
import { sentBytesByBlob } from './runtimes/registry-log.ts'
import { cleanEnvironment, type Runtime } from './runtimes/runtime.ts'
import { prepareSkopeo } from './runtimes/skopeo.ts'

const MIB = 1 << 20
const START_TIMEOUT_MS = 30_000
const LINK_TIMEOUT_MS = 10_000
/** So that there is a middle of a pull. */
const SLOW_BITS_PER_SECOND = 16_000_000
const MIRROR_URL = 'http://127.0.0.1:65001'
/** Where programs that are told nothing keep their data, below the directory that they are started in. */
const DATA = 'damselfly'

/** A machine, the directory in which its operator types commands, and what `PATH` says there. */
interface Machine {
  readonly node: NetworkNode
  readonly directory: string
  readonly environment: NodeJS.ProcessEnv
}

/** A machine with a dfdaemon and a client of it. */
interface Member extends Machine {
  readonly program: ChildProcess
  readonly peerId: string
  readonly runtime: Runtime
}

let bench: Bench
let bin: string
let supernode: Machine
let joining: string
let members: Member[]
let joined: PushedImage

beforeAll(async () => {
  assertClientRequirements()
  bench = await createBench()
  bin = await bench.directory('bin')
  for (const program of ['supernode', 'dfdaemon'] as const) {
    const file = join(bin, program)
    await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${programMain(program)}' "$@"\n`)
    await chmod(file, 0o755)
  }
  supernode = await newMachine(await bench.addNode())
  const { address } = supernode.node
  const places = `--http-listen ${address}:8002 --p2p-listen /ip4/${address}/tcp/9000`
  const outbound = `--outbound-schemes http --outbound-allow-ports 1-65535 --outbound-allow-networks ${TEST_NETWORK}`
  await start(supernode, `exec supernode ${places} ${outbound}`)
  joining = await type(supernode, 'supernode token create --role node --uses 2')
  members = [
    await startMember(await bench.addNode()),
    await startMember(await bench.addNode({ rateBitsPerSecond: SLOW_BITS_PER_SECOND })),
  ]
})

afterAll(() => bench?.[Symbol.asyncDispose]())

async function newMachine(node: NetworkNode): Promise<Machine> {
  const directory = await bench.directory('machine')
  const { PATH, ...environment } = cleanEnvironment(directory)
  return { node, directory, environment: { ...environment, PATH: `${bin}${delimiter}${PATH}` } }
}

/** Types a command on a machine. @returns what it printed on stdout */
async function type({ node, directory, environment }: Machine, line: string): Promise<string> {
  const place = { namespace: node.namespace, cwd: directory, env: environment }
  return (await run('sh', ['-c', line], place)).stdout
}

/** Starts a program on a machine. @returns what its ready line says, with its process */
async function start({ node, directory, environment }: Machine, line: string) {
  const place = { namespace: node.namespace, cwd: directory, env: environment }
  const program = bench.use(await startProcess('sh', ['-c', line], place))
  const ready = await program.waitForLine('stdout', text => text.startsWith('{'), { timeoutMs: START_TIMEOUT_MS })
  return { program, ...(JSON.parse(ready) as { readonly peerId: string }) }
}

/** What an operator does to have a node take part: the line that the supernode printed, word for word, then the start. */
async function startMember(node: NetworkNode): Promise<Member> {
  const machine = await newMachine(node)
  const { url } = bench.registry
  const file = {
    ...{ listen: new URL(MIRROR_URL).host, socket: '', p2p: { listen: [`/ip4/${node.address}/tcp/9100`] } },
    ...{ defaultUpstream: 'docker.io', upstreams: { 'docker.io': { url } } },
    outbound: { schemes: ['http'], allowPorts: ['1-65535'], allowNetworks: [TEST_NETWORK] },
  }
  await writeFile(join(machine.directory, 'dfdaemon.yaml'), JSON.stringify(file))
  await type(machine, joining)
  const { program, peerId } = await start(machine, 'exec dfdaemon --config dfdaemon.yaml')
  const directory = join(machine.directory, 'skopeo')
  await mkdir(directory)
  const runtime = await prepareSkopeo({ node, directory, mirrorUrl: MIRROR_URL, registryUrl: url })
  return { ...machine, program, peerId, runtime }
}

async function listed(): Promise<ListedMember[]> {
  return JSON.parse(await type(supernode, 'supernode node list --json')) as ListedMember[]
}

async function newImage(repository: string, sizeBytes: number): Promise<PushedImage> {
  return await pushGeneratedImage(bench, { repository, tag: 'v1', layers: 1, sizeBytes, seed: repository })
}

/** Where the bytes of a node's content came from, over all tasks. */
async function accountOf({ directory }: Member): Promise<Pick<TaskAccount, 'originBytes' | 'peerBytes'>> {
  const api = ownersApi('dfdaemon', join(directory, DATA, 'dfdaemon'))
  const tasks = (await (await requestApi(api, '/api/v1/tasks')).body.json()) as { account: TaskAccount }[]
  const sum = (name: 'originBytes' | 'peerBytes' | 'supernodeBytes') =>
    tasks.reduce((total, { account }) => total + account[name], 0)
  return { originBytes: sum('originBytes'), peerBytes: sum('peerBytes') + sum('supernodeBytes') }
}

function two(): readonly [Member, Member] {
  const [first, second] = members
  if (first === undefined || second === undefined) throw new Error('there are two members')
  return [first, second]
}

function onFailure(): void {
  onTestFailed(() => void process.stderr.write(members.map(({ program }) => program.stderr.text()).join('\n')))
}

test('one line, word for word on each node, and both pull through the swarm', async () => {
  onFailure()
  expect(joining).toMatch(/^dfdaemon join https:\/\/\S+ --token dmsl_\S+\n$/)
  const image = await newImage('library/joined', 2 * MIB)
  const pulled = await Promise.all(members.map(({ runtime }) => runtime.pull('docker.io/library/joined:v1')))
  expect(pulled.map(({ manifestDigest }) => manifestDigest)).toEqual([image.manifestDigest, image.manifestDigest])
  for (const member of members) expect(await accountOf(member)).toMatchObject({ originBytes: 0 })
  joined = image
})

test('the supernode lists both, and one more node is not let in by the same line', async () => {
  const nodes = await listed()
  const expected = members.map(({ peerId }) => peerId).toSorted()
  expect(nodes.map(({ id }) => id).toSorted()).toEqual(expected)
  expect(nodes.every(({ linked }) => linked)).toBe(true)
  const text = await type(supernode, 'supernode node list')
  for (const { peerId } of members) expect(text).toContain(peerId)
  const late = await newMachine(await bench.addNode())
  await expect(type(late, joining)).rejects.toThrow(/token/)
})

test('one that is revoked in the middle of a pull is out within 10 s, and has the rest from the registry', async () => {
  onFailure()
  const [first, second] = two()
  const image = await newImage('library/revoked', 12 * MIB)
  expect((await first.runtime.pull('docker.io/library/revoked:v1')).manifestDigest).toBe(image.manifestDigest)
  const before = await accountOf(second)
  const pull = second.runtime.pull('docker.io/library/revoked:v1')
  const gained = async () => (await accountOf(second)).peerBytes - before.peerBytes
  await waitFor(async () => (await gained()) > MIB, { timeoutMs: LINK_TIMEOUT_MS, what: 'a part of the layer' })

  const revokedAt = performance.now()
  expect(await type(supernode, `supernode node revoke ${second.peerId}`)).toBe(`${second.peerId}\n`)
  await waitFor(async () => !(await linkedPeers()).includes(second.peerId), {
    ...{ timeoutMs: LINK_TIMEOUT_MS, what: 'the end of its link' },
  })
  expect(performance.now() - revokedAt).toBeLessThan(10_000)
  const peerBytes = await gained()
  expect(peerBytes).toBeLessThan(12 * MIB)

  expect((await pull).manifestDigest).toBe(image.manifestDigest)
  const after = await accountOf(second)
  expect(after.originBytes).toBeGreaterThan(0)
  // What was on its way.
  expect(after.peerBytes - before.peerBytes - peerBytes).toBeLessThan(MIB)
  expect((await listed()).map(({ id }) => id)).toEqual([first.peerId])
})

test('what both pulled as members left the registry once', async () => {
  const sent = sentBytesByBlob(await bench.registry.finish())
  for (const { digest, sizeBytes } of joined.blobs) expect(sent.get(digest)).toBe(sizeBytes)
})

/** PeerIds that have a control stream. */
async function linkedPeers(): Promise<string[]> {
  const api = ownersApi('supernode', join(supernode.directory, DATA, 'supernode'))
  return ((await (await requestApi(api, '/api/v1/peers')).body.json()) as { id: string }[]).map(({ id }) => id)
}
