import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { createTicketVerifier } from '../../protocol/ticket.ts'
import { type ApiDocument, readApiDocument, undocumented } from '../helpers/api-document.ts'
import { seedBlob, seededBytes, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { BASIC } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

let cluster: TestCluster
let supernode: Awaited<ReturnType<TestCluster['supernode']>>
let node: TestProgram
let blob: TestBlob
let document: ApiDocument

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
  document = await readApiDocument(supernode)
  node = await cluster.dfdaemon({ supernode: supernode.url })
  blob = await seedBlob(cluster.registry, 600_000)
})

afterAll(() => cluster[Symbol.asyncDispose]())

async function ask(path: string, init: { method?: string; type?: string; body?: string } = {}) {
  const { method = 'GET', type = 'application/json', body } = init
  const response = await request(`${supernode.url}${path}`, {
    method: method as 'GET',
    ...(body === undefined ? {} : { body, headers: { 'content-type': type } }),
  })
  const text = await response.body.text()
  const contentType = String(response.headers['content-type'])
  const json = /json/.test(contentType) ? JSON.parse(text) : undefined
  expect(undocumented(document, { method, path, status: response.statusCode, contentType, text })).toEqual([])
  return { status: response.statusCode, text, json }
}

const register = (body: unknown) => ask('/peer/registry', { method: 'POST', body: JSON.stringify(body) })

const source = () => ({
  url: `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`,
  headers: {},
  digest: blob.digest,
})

const good = () => ({ peerId: node.peerId, source: source() })

describe('POST /peer/registry', () => {
  test('admits a peer and signs its ticket', async () => {
    const { status, json } = await register(good())
    expect(status).toBe(200)
    expect(json).toMatchObject({
      state: 'admitted',
      taskId: blob.digest,
      blockSizeBytes: 256 * 1024,
      sizeBytes: 600_000,
      supernode: { id: supernode.peerId, addresses: supernode.p2p() },
    })
    const expected = { task: blob.digest, peer: node.peerId }
    expect(createTicketVerifier(json.clusterKey).verify(json.ticket, expected, Date.now())).toMatchObject(expected)
    const { publicKey } = keysOfSeed(seededBytes(32, 'another cluster'))
    expect(() => createTicketVerifier(publicKey).verify(json.ticket, expected, Date.now())).toThrow()
    expect((await ask('/api/v1/cluster')).json).toEqual({
      supernode: json.supernode,
      clusterKey: json.clusterKey,
      now: expect.any(Number),
    })
  })

  test.for<[string, () => unknown]>([
    ['nothing', () => ({})],
    ['a list', () => []],
    ['null', () => null],
    ['a text', () => 'hello'],
    ['no source', () => ({ peerId: node.peerId })],
    ['no peer id', () => ({ source: source() })],
    ['a peer id that is none', () => ({ ...good(), peerId: '../../etc/passwd' })],
    ['a peer id that is too long', () => ({ ...good(), peerId: 'Q'.repeat(129) })],
    ['an unknown field', () => ({ ...good(), admin: true })],
    ['an unknown field of the source', () => ({ ...good(), source: { ...source(), path: '/etc' } })],
    ['a number for the URL', () => ({ ...good(), source: { ...source(), url: 7 } })],
    ['an URL of another scheme', () => ({ ...good(), source: { ...source(), url: 'file:///etc/passwd' } })],
    ['an URL that is none', () => ({ ...good(), source: { url: 'http://', headers: {} } })],
    ['an URL that is too long', () => ({ ...good(), source: { ...source(), url: `http://h/${'a'.repeat(9_000)}` } })],
    ['a header that is no text', () => ({ ...good(), source: { ...source(), headers: { accept: 1 } } })],
    [
      'a header that is not HTTP',
      () => ({ ...good(), source: { url: 'http://127.0.0.1:9/', headers: { 'a b': 'c' } } }),
    ],
    ['a digest that is none', () => ({ ...good(), source: { ...source(), digest: 'sha256:abc' } })],
  ])('refuses %s', async ([, body]) => {
    const { status, json } = await register(body())
    expect(status).toBe(400)
    expect(json).toEqual({ code: 'REQUEST_INVALID', message: expect.any(String) })
  })

  test.for([
    ['no JSON', '{"peerId":', 'application/json', 400, 'REQUEST_INVALID'],
    ['an empty body', '', 'application/json', 400, 'REQUEST_INVALID'],
    ['a prototype', '{"__proto__":{"x":1}}', 'application/json', 400, 'REQUEST_INVALID'],
    ['another type', 'a=b', 'application/x-www-form-urlencoded', 400, 'REQUEST_INVALID'],
    ['a body that is too large', JSON.stringify('x'.repeat(70_000)), 'application/json', 413, 'BODY_TOO_LARGE'],
  ] as const)('refuses %s', async ([, body, type, status, code]) => {
    const answer = await ask('/peer/registry', { method: 'POST', body, type })
    expect(answer.status).toBe(status)
    expect(answer.json).toMatchObject({ code })
  })

  test("hands the origin's refusal on, and counts it", async () => {
    const before = await readMetric(supernode, 'damselfly_supernode_registrations_total', { result: 'BLOB_UNKNOWN' })
    const digest = `sha256:${'0'.repeat(64)}`
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${digest}`
    const { status, json } = await register({ ...good(), source: { url, headers: {}, digest } })
    expect([status, json.code]).toEqual([404, 'BLOB_UNKNOWN'])
    expect(await readMetric(supernode, 'damselfly_supernode_registrations_total', { result: 'BLOB_UNKNOWN' })).toBe(
      before + 1,
    )
  })

  test('does not connect to link-local addresses', async () => {
    const url = 'http://169.254.169.254/latest/meta-data'
    const { status, json } = await register({ ...good(), source: { url, headers: {} } })
    expect([status, json.code]).toEqual([403, 'DENIED'])
  })

  test('answers pending while the origin thinks', async () => {
    const slow = await seedBlob(cluster.registry, 1_000, { seed: 'slow' })
    const match = { kind: 'blob', method: 'HEAD', digest: slow.digest } as const
    cluster.registry.faults.set([{ match, action: 'slow-first-byte', delayMs: 900 }])
    const url = `${cluster.registry.url}/v2/${slow.repository}/blobs/${slow.digest}`
    const body = { ...good(), source: { url, headers: {}, digest: slow.digest } }
    const first = await register(body)
    expect([first.status, first.json]).toEqual([202, { state: 'pending' }])
    await waitFor(async () => (await register(body)).status === 200, { timeoutMs: 10_000 })
    cluster.registry.faults.clear()
    expect(cluster.registry.stats.snapshot().blobs[slow.digest]?.headRequests).toBe(1)
  })

  test('gives no ticket to whom the origin refuses, whatever the supernode has', async () => {
    await using closed = await startCluster({ auth: { mode: 'basic' } })
    const guarded = await closed.supernode()
    const image = await closed.registry.generateImage({ layers: 1, sizeBytes: 500_000 })
    const digest = image.layers[0]?.digest ?? ''
    const url = `${closed.registry.url}/v2/${image.repository}/blobs/${digest}`
    const asWith = async (headers: Record<string, string>) => {
      const body = JSON.stringify({ peerId: node.peerId, source: { url, headers, digest } })
      const type = { 'content-type': 'application/json' }
      const response = await request(`${guarded.url}/peer/registry`, { method: 'POST', body, headers: type })
      await response.body.dump()
      return response.statusCode
    }
    expect(await asWith(BASIC)).toBe(200)
    expect(await asWith({})).toBe(401)
    expect(await asWith({ authorization: `Basic ${btoa('user:wrong')}` })).toBe(401)
  })
})

describe('tasks', () => {
  const unknown = `sha256:${'0'.repeat(64)}`

  test.for([
    ['GET', unknown],
    ['DELETE', unknown],
    ['GET', 'nonsense'],
    ['DELETE', '..%2f..%2fetc'],
    ['DELETE', `url:${'0'.repeat(64)}`],
  ])('%s of the unknown task %s', async ([method = '', id = '']) => {
    const { status, json } = await ask(`/api/v1/tasks/${id}`, { method })
    expect([status, json.code]).toEqual([404, 'TASK_UNKNOWN'])
  })

  test('a task is shown, deleted, and read anew', async () => {
    const other = await cluster.dfdaemon({ supernode: supernode.url })
    expect(await pullBlob(other, blob)).toMatchObject({ digest: blob.digest })
    const shown = await ask(`/api/v1/tasks/${blob.digest}`)
    expect(shown.json).toMatchObject({ id: blob.digest, state: 'complete', sizeBytes: 600_000, storedBytes: 600_000 })
    const { holders, ...listed } = shown.json as { holders: unknown[] }
    expect(holders).toEqual(expect.any(Array))
    expect((await ask('/api/v1/tasks')).json).toContainEqual(listed)

    expect((await ask(`/api/v1/tasks/${blob.digest}`, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(`/api/v1/tasks/${blob.digest}`, { method: 'DELETE' })).status).toBe(404)
    expect(await pullBlob(other, blob)).toMatchObject({ digest: blob.digest })

    const newcomer = await cluster.dfdaemon({ supernode: supernode.url })
    expect(await pullBlob(newcomer, blob)).toMatchObject({ status: 200, digest: blob.digest })
    expect((await ask(`/api/v1/tasks/${blob.digest}`)).json).toMatchObject({ state: 'complete', storedBytes: 600_000 })
  })

  test('a task that is deleted while it is being read: the pull completes', async () => {
    const size = 2 * 1024 * 1024
    await using slow = await startCluster({ bandwidthBytesPerSecond: 2 * 1024 * 1024 })
    const owner = await slow.supernode()
    const reader = await slow.dfdaemon({ supernode: owner.url })
    const large = await seedBlob(slow.registry, size)
    let received = 0
    const pull = pullBlob(reader, large, {
      onBytes: bytes => {
        received = bytes
      },
    })
    await waitFor(() => received >= size / 4, { timeoutMs: 10_000, what: 'a quarter' })
    const deleted = await request(`${owner.url}/api/v1/tasks/${large.digest}`, { method: 'DELETE' })
    expect(deleted.statusCode).toBe(204)
    expect(await pull).toMatchObject({ status: 200, digest: large.digest, sizeBytes: size })
  })
})

describe('health', () => {
  test('/_ping', async () => expect((await ask('/_ping')).text).toBe('OK'))

  test('/version', async () => {
    expect((await ask('/version')).json).toMatchObject({ name: 'supernode', version: expect.stringMatching(/^\d/) })
  })

  test('/metrics', async () => {
    const { status, text } = await ask('/metrics')
    expect(status).toBe(200)
    expect(text).toContain('# TYPE damselfly_supernode_origin_bytes_total counter')
  })

  test('/api/v1/peers', async () => {
    const linked = await waitFor(
      async () => ((await ask('/api/v1/peers')).json as { id: string }[]).find(({ id }) => id === node.peerId),
      { timeoutMs: 10_000, what: 'the node' },
    )
    expect(linked).toMatchObject({ labels: {} })
  })

  test.for([
    ['GET', '/nothing'],
    ['POST', '/_ping'],
    ['GET', '/peer/registry'],
  ])('%s %s is no route', async ([method = '', path = '']) => {
    const { status, json } = await ask(path, { method })
    expect([status, json.code]).toEqual([404, 'ROUTE_UNKNOWN'])
  })

  test('broken percent-encoding', async () => {
    const { status, json } = await ask('/api/v1/tasks/%zz')
    expect([status, json.code]).toEqual([400, 'REQUEST_INVALID'])
  })
})
