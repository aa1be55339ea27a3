import { request } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Pull } from '../../protocol/messages/daemon-api.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const REPOSITORY = 'library/test'
const BLOB_BYTES = 3 * 1024 * 1024 + 17

let cluster: TestCluster
let blob: TestBlob

beforeEach(async () => {
  cluster = await startCluster()
  blob = await seedBlob(cluster.registry, BLOB_BYTES, { repository: REPOSITORY })
})

afterEach(() => cluster[Symbol.asyncDispose]())

async function pullsAt(node: TestProgram, query = ''): Promise<Pull[]> {
  const answer = await request(`${node.url}/v1/pulls${query}`)
  expect(answer.statusCode).toBe(200)
  return (await answer.body.json()) as Pull[]
}

/** The only pull of a node, once it has ended. */
async function endedPull(node: TestProgram): Promise<Pull> {
  let pulls: Pull[] = []
  const ended = async () => {
    pulls = await pullsAt(node)
    return pulls[0]?.state !== 'running'
  }
  await waitFor(ended, { timeoutMs: 10_000, what: 'the pull to end' })
  expect(pulls).toHaveLength(1)
  return pulls[0] as Pull
}

test('a cold pull names its task and what supernode and peers sent, a warm one the disk', async () => {
  const supernode = await cluster.supernode()
  const [first, second] = await cluster.dfdaemons(2, { supernode: supernode.url })
  if (first === undefined || second === undefined) throw new Error('no nodes')
  await pullBlob(first, blob)
  const cold = await endedPull(first)
  expect(cold).toMatchObject({
    state: 'complete',
    registry: cluster.registry.host,
    repository: REPOSITORY,
    task: blob.digest,
    sizeBytes: BLOB_BYTES,
    account: { diskBytes: 0, supernodeBytes: BLOB_BYTES, originBytes: 0, originReasons: [] },
  })

  await pullBlob(second, blob)
  const { peerBytes, supernodeBytes, originBytes } = (await endedPull(second)).account
  expect({ swarmBytes: peerBytes + supernodeBytes, originBytes }).toEqual({ swarmBytes: BLOB_BYTES, originBytes: 0 })

  const { headers } = await pullBlob(first, blob)
  const header = `id=2, task="${blob.digest}", disk=${BLOB_BYTES}, peers=0, supernode=0, origin=0`
  expect(headers['damselfly-pull']).toBe(header)
  const [warm] = await pullsAt(first, `?task=${blob.digest}&limit=1`)
  expect(warm).toMatchObject({ id: 2, account: { diskBytes: BLOB_BYTES, supernodeBytes: 0, originBytes: 0 } })
})

test.each([
  ['no supernode', {}, {}, { why: 'no-supernode' }],
  [
    'a supernode that is down',
    { supernode: 'http://127.0.0.1:9' },
    {},
    { why: 'not-registered', code: 'SUPERNODE_UNREACHABLE' },
  ],
  ['p2p off', {}, { p2p: false }, { why: 'p2p-off' }],
] as const)('with %s, the account says why the origin was read', async (_name, settings, upstream, reason) => {
  const { host, url } = cluster.registry
  const node = await cluster.dfdaemon(settings, { upstreams: { [host]: { url, ...upstream } } })
  await pullBlob(node, blob)
  expect((await endedPull(node)).account).toEqual({
    diskBytes: 0,
    peerBytes: 0,
    supernodeBytes: 0,
    originBytes: BLOB_BYTES,
    originReasons: [reason],
  })
})

test('a blob that the registry does not have is a failed pull', async () => {
  const node = await cluster.dfdaemon()
  const digest = `sha256:${'0'.repeat(64)}`
  expect((await pullBlob(node, { repository: REPOSITORY, digest })).status).toBe(404)
  expect(await endedPull(node)).toMatchObject({ state: 'failed', errorCode: 'BLOB_UNKNOWN', task: null })
})

test('a client that hangs up is told as such', async () => {
  const large = await seedBlob(cluster.registry, 64 * 1024 * 1024, { repository: REPOSITORY })
  const node = await cluster.dfdaemon()
  const hangUp = new AbortController()
  const pulled = pullBlob(node, large, { signal: hangUp.signal, onBytes: () => hangUp.abort() })
  await expect(pulled).rejects.toThrow()
  const { state, account } = await endedPull(node)
  expect(state).toBe('cut-short')
  expect(account.originBytes).toBeLessThan(large.bytes.length)
})

test.each(['?limit=0', '?limit=x', '?since=1', '?task=a&task=b'])('%s is refused', async query => {
  const node = await cluster.dfdaemon()
  const { statusCode, body } = await request(`${node.url}/v1/pulls${query}`)
  expect(statusCode).toBe(400)
  expect(await body.json()).toMatchObject({ code: 'REQUEST_INVALID' })
})
