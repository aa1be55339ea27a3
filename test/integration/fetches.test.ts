import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Source } from '../../lib/origin/origin.ts'
import { encodeMessageFrame } from '../../protocol/frame.ts'
import { peerToSupernodeCodec, type SupernodeToPeer, supernodeToPeerCodec } from '../../protocol/messages/control.ts'
import { CONTROL_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { contentHandler, serveForTest } from '../helpers/dfget-user.ts'
import { patternBytes } from '../helpers/origin-content.ts'
import { type PlannedSupernode, startPlannedSupernode } from '../helpers/planned-supernode.ts'
import { pullBlob } from '../helpers/pull.ts'
import { type RawPeer, startRawPeer } from '../helpers/raw-peer.ts'
import { BASIC } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const PATIENCE = { timeoutMs: 20_000 }
/** Longer than a pull waits for a supernode. */
const LATE_MS = 2_000
const AS_OWNER = { headers: BASIC }
const ACCOUNT = { username: 'user', password: 'password' }

let stack: AsyncDisposableStack
let supernode: PlannedSupernode

beforeEach(async () => {
  stack = new AsyncDisposableStack()
  supernode = stack.use(await startPlannedSupernode())
})

afterEach(() => stack.disposeAsync())

async function privateRegistry(bandwidthBytesPerSecond?: number): Promise<TestCluster> {
  const limit = bandwidthBytesPerSecond === undefined ? {} : { bandwidthBytesPerSecond }
  return stack.use(await startCluster({ auth: { mode: 'basic' }, ...limit }))
}

/** A blob as whoever has the job reads it. */
function sourceOf({ registry }: TestCluster, { repository, digest }: TestBlob): Source {
  const url = `${registry.url}/v2/${repository}/blobs/${digest}`
  return { url, headers: {}, digest, credentials: ACCOUNT }
}

async function linkedNode(cluster: TestCluster, settings: Record<string, string> = {}): Promise<TestProgram> {
  const node = await cluster.dfdaemon({ supernode: supernode.url, ...settings })
  await supernode.heard({ type: 'linked', peer: node.peerId })
  return node
}

async function register(peerId: string, { url, digest }: Source, init: { inline?: boolean } = {}) {
  const response = await request(`${supernode.url}/peer/registry`, {
    method: 'POST',
    body: JSON.stringify({ peerId, source: { url, headers: {}, ...(digest && { digest }) }, ...init }),
    headers: { 'content-type': 'application/json' },
  })
  return { status: response.statusCode, ...((await response.body.json()) as { code?: string; content?: string }) }
}

async function listTasks(node: TestProgram): Promise<{ id: string; state: string }[]> {
  return (await (await request(`${node.url}/api/v1/tasks`)).body.json()) as { id: string; state: string }[]
}

test('nodes without credentials fetch private content that nobody there asks for; it is read once, by the supernode', async () => {
  const cluster = await privateRegistry()
  const blob = await seedBlob(cluster.registry, 3 * MIB + 5, AS_OWNER)
  const nodes = await Promise.all([1, 2].map(() => linkedNode(cluster)))
  for (const node of nodes) await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  const task = taskIdOfDigest(blob.digest)
  for (const node of nodes) {
    await supernode.heard({ type: 'fetched', peer: node.peerId, task })
    expect(await onlyTask(node)).toMatchObject({
      id: task,
      state: 'complete',
      storedBytes: blob.bytes.length,
      account: { originBytes: 0 },
    })
  }
  expect(supernode.originBytes()).toBe(blob.bytes.length)
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.requests).toBe(1)
  const [member] = supernode.director.membersOf(task)
  expect(member?.have.count).toBe(13)
  // Who may read it there is still the registry's to say.
  expect((await pullBlob(nodes[0] as TestProgram, blob)).status).toBe(401)
  expect(await pullBlob(nodes[0] as TestProgram, blob, { headers: BASIC })).toMatchObject({ digest: blob.digest })
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.requests).toBe(1)
})

test('a node that was told to fetch something else, or nothing, may not have it', async () => {
  const cluster = await privateRegistry()
  const [blob, other] = await Promise.all(
    [1, 2].map(seed => seedBlob(cluster.registry, MIB, { seed: `${seed}`, ...AS_OWNER })),
  )
  if (blob === undefined || other === undefined) throw new Error('no blobs')
  const [told, untold] = await Promise.all([1, 2].map(() => linkedNode(cluster)))
  if (told === undefined || untold === undefined) throw new Error('no nodes')
  await supernode.fetch(told.peerId, sourceOf(cluster, blob))
  await supernode.heard({ type: 'fetched', peer: told.peerId })
  expect(await register(told.peerId, sourceOf(cluster, blob))).toMatchObject({ status: 200 })
  expect(await register(untold.peerId, sourceOf(cluster, blob))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
  expect(await register(told.peerId, sourceOf(cluster, other))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
  supernode.warrants.end(told.peerId, taskIdOfDigest(blob.digest))
  expect(await register(told.peerId, sourceOf(cluster, blob))).toMatchObject({ status: 401, code: 'UNAUTHORIZED' })
  // Without a warrant there is no way in.
  const task = taskIdOfDigest(other.digest)
  const { url } = sourceOf(cluster, other)
  supernode.director.send(untold.peerId, { type: 'fetch', task, source: { url, digest: other.digest } })
  expect(await supernode.heard({ type: 'not-fetched', peer: untold.peerId })).toMatchObject({ code: 'UNAUTHORIZED' })
})

test('a supernode that answers late is asked again, as nobody waits for it', async () => {
  const cluster = await privateRegistry()
  const blob = await seedBlob(cluster.registry, MIB, AS_OWNER)
  const node = await linkedNode(cluster)
  let registrations = 0
  supernode.beforeRegistration = async () => {
    registrations++
    if (registrations <= 2) await delay(LATE_MS)
  }
  await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  await supernode.heard({ type: 'fetched', peer: node.peerId })
  expect(registrations).toBe(3)
  expect(supernode.news.filter(({ type }) => type === 'not-fetched')).toEqual([])
})

test('small content is stored as blocks, to be given on', async () => {
  const cluster = await privateRegistry()
  const blob = await seedBlob(cluster.registry, 100, AS_OWNER)
  const node = await linkedNode(cluster)
  await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  await supernode.heard({ type: 'fetched', peer: node.peerId })
  expect(await onlyTask(node)).toMatchObject({ state: 'complete', storedBytes: 100 })
  const answer = await register(node.peerId, sourceOf(cluster, blob), { inline: true })
  expect(answer).toMatchObject({ status: 200 })
  expect(answer.content).toBeUndefined()
})

test('a file is the same task for the node and for whoever asks for it there, also by a signed URL', async () => {
  const content = patternBytes(MIB)
  const origin = await serveForTest(contentHandler(content))
  const cluster = stack.use(await startCluster())
  const node = await linkedNode(cluster)
  const identity = { tag: 'v1', filter: ['signature'] }
  const source = { url: `${origin.url}/file?signature=secret`, headers: {}, identity }
  const task = await supernode.fetch(node.peerId, source)
  await supernode.heard({ type: 'fetched', peer: node.peerId, task })
  expect(await onlyTask(node)).toMatchObject({ id: task, state: 'complete' })
  expect(supernode.originBytes()).toBe(content.length)
  const response = await request(`${node.url}/api/v1/content`, {
    method: 'POST',
    body: JSON.stringify({ source: { ...source, url: `${origin.url}/file?signature=other` } }),
    headers: { 'content-type': 'application/json' },
  })
  expect(Buffer.from(await response.body.arrayBuffer()).equals(content)).toBe(true)
  expect(await onlyTask(node)).toMatchObject({ id: task })
  expect(supernode.originBytes()).toBe(content.length)
})

test('what is not wanted any more is not fetched to its end, unless somebody reads it', async () => {
  const cluster = await privateRegistry(2 * MIB)
  const [dropped, read] = await Promise.all(
    [1, 2].map(seed => seedBlob(cluster.registry, 4 * MIB, { seed: `${seed}`, ...AS_OWNER })),
  )
  if (dropped === undefined || read === undefined) throw new Error('no blobs')
  const node = await linkedNode(cluster)
  for (const blob of [dropped, read]) await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  const stateOf = async (blob: TestBlob) => (await listTasks(node)).find(({ id }) => id === blob.digest)?.state
  const begun = async () => (await stateOf(dropped)) === 'downloading' && (await stateOf(read)) === 'downloading'
  await waitFor(begun, { ...PATIENCE, what: 'both downloads' })
  const pulled = pullBlob(node, read, { headers: BASIC })
  for (const blob of [dropped, read]) {
    const task = taskIdOfDigest(blob.digest)
    supernode.warrants.end(node.peerId, task)
    supernode.director.send(node.peerId, { type: 'stop-fetch', task })
  }
  await waitFor(async () => (await stateOf(dropped)) === 'partial', { ...PATIENCE, what: 'the end of a download' })
  expect(await pulled).toMatchObject({ status: 200, digest: read.digest })
  expect(await stateOf(read)).toBe('complete')
  expect(await stateOf(dropped)).toBe('partial')
  expect(supernode.news.filter(({ type }) => type === 'fetched' || type === 'not-fetched')).toEqual([])
})

test('whoever reads what is being fetched has an origin to go on from when the supernode is gone', async () => {
  const cluster = await privateRegistry(2 * MIB)
  const blob = await seedBlob(cluster.registry, 4 * MIB, AS_OWNER)
  const node = await linkedNode(cluster)
  await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  await waitFor(async () => (await listTasks(node))[0]?.state === 'downloading', { ...PATIENCE, what: 'the download' })
  let received = 0
  const pulled = pullBlob(node, blob, { headers: BASIC, onBytes: bytes => (received = bytes) })
  await waitFor(() => received > 0, { ...PATIENCE, what: 'the beginning' })
  await supernode[Symbol.asyncDispose]()
  expect(await pulled).toMatchObject({ status: 200, digest: blob.digest })
  // The rest was stored, too, and not only passed through.
  expect(await onlyTask(node)).toMatchObject({ state: 'complete' })
})

test('a node that links again remembers nothing, and is told again', async () => {
  const cluster = await privateRegistry(2 * MIB)
  const blob = await seedBlob(cluster.registry, 3 * MIB, AS_OWNER)
  const node = await linkedNode(cluster)
  await supernode.fetch(node.peerId, sourceOf(cluster, blob))
  const dataDir = node.dataDir
  await node.stop()
  await supernode.heard({ type: 'gone', peer: node.peerId })
  supernode.warrants.endAll(node.peerId)
  const again = await cluster.dfdaemon({ supernode: supernode.url, dataDir })
  const links = () => supernode.news.filter(({ type, peer }) => type === 'linked' && peer === again.peerId)
  await waitFor(() => links().length === 2, { ...PATIENCE, what: 'the second link' })
  await supernode.fetch(again.peerId, sourceOf(cluster, blob))
  await supernode.heard({ type: 'fetched', peer: again.peerId })
  expect(supernode.originBytes()).toBe(blob.bytes.length)
})

test('a peer that does not say that it fetches is told nothing of it, and cannot say that it did', async () => {
  const peer: RawPeer = stack.use(await startRawPeer())
  const received: SupernodeToPeer[] = []
  const stream = await peer.open(
    { id: supernode.peerId, addresses: supernode.addresses() },
    CONTROL_PROTOCOL,
    bytes => void received.push(supernodeToPeerCodec.decode(bytes)),
  )
  const send = (message: Parameters<typeof peerToSupernodeCodec.encode>[0]) =>
    stream.send(encodeMessageFrame(peerToSupernodeCodec.encode(message)))
  const answered = async () => {
    const before = received.length
    send({ type: 'ping' })
    await waitFor(() => received.length > before, { ...PATIENCE, what: 'the answer' })
  }
  send({ type: 'hello', addresses: [], labels: { zone: 'a' }, agent: 'damselfly/0.1.0' })
  await answered()
  const id = peer.address.id
  const task = taskIdOfDigest(`sha256:${'0'.repeat(64)}` as never)
  supernode.director.send(id, { type: 'fetch', task, source: { url: 'https://r.example/x' } })
  supernode.director.send(id, { type: 'stop-fetch', task })
  send({ type: 'fetched', task })
  send({ type: 'not-fetched', task, code: 'BLOCK_LATE' })
  await answered()
  expect(received.map(({ type }) => type)).toEqual(['pong', 'pong'])
  expect(supernode.news).toEqual([])
})

test('a node has the labels of its operator', async () => {
  const cluster = stack.use(await startCluster())
  const node = await linkedNode(cluster, { 'labels.zone': 'a', 'labels.other': 'pool=gpu' })
  expect(await supernode.heard({ type: 'linked', peer: node.peerId })).toMatchObject({
    labels: { zone: 'a', pool: 'gpu' },
  })
  expect(supernode.director.peers().map(({ labels }) => labels)).toEqual([{ zone: 'a', pool: 'gpu' }])
})
