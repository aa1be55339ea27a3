import { describe, expect, test } from 'vitest'
import type { MirrorConfig } from '../../lib/origin/upstreams/upstream-config.ts'
import { digestOf } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { deadUrl, startTestServer } from '../helpers/mirror-fixture.ts'
import { serveContent } from '../helpers/origin-content.ts'
import { pullBlob } from '../helpers/pull.ts'
import { BASIC, startRegistryMock } from '../helpers/registry-mock.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 3 * MIB + 77
const GET_BLOB = { kind: 'blob', method: 'GET' } as const

/** The same mirrors for every program, as an operator would configure them. */
async function startNodes(
  cluster: TestCluster,
  mirrors: readonly MirrorConfig[],
  { withSupernode, settings = {} }: { withSupernode: boolean; settings?: Record<string, string> },
): Promise<TestProgram[]> {
  const file = { upstreams: { [cluster.registry.host]: { mirrors } } }
  const supernode = withSupernode ? (await cluster.supernode({}, file)).url : ''
  const count = withSupernode ? 3 : 1
  return Promise.all(Array.from({ length: count }, () => cluster.dfdaemon({ supernode, ...settings }, file)))
}

async function expectGood(nodes: readonly TestProgram[], blob: TestBlob, headers = {}): Promise<void> {
  for (const pulled of await Promise.all(nodes.map(node => pullBlob(node, blob, { headers })))) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: blob.bytes.length })
  }
}

/** Has every connection made: they take their time at first, and no pull waits for a supernode longer than a second. */
async function connect({ registry }: TestCluster, nodes: readonly TestProgram[]): Promise<void> {
  await expectGood(nodes, await seedBlob(registry, 1000, { seed: 'first' }))
  registry.stats.reset()
}

const bodyBytes = (registry: RegistryMock) => registry.stats.snapshot().totalBlobBytes

describe.for([
  ['without a supernode', false],
  ['with a supernode', true],
] as const)('%s', ([, withSupernode]) => {
  test('the first mirror is down, the second gives one copy, the registry only its yes', async () => {
    await using cluster = await startCluster()
    const mirror = await startRegistryMock()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    await seedBlob(mirror, BLOB_BYTES)
    const nodes = await startNodes(cluster, [{ url: await deadUrl() }, { url: mirror.url }], { withSupernode })
    await connect(cluster, nodes)
    await expectGood(nodes, blob)
    expect(bodyBytes(mirror)).toBe(BLOB_BYTES)
    expect(bodyBytes(cluster.registry)).toBe(0)
  })

  test('no mirror has it: the registry gives one copy', async () => {
    await using cluster = await startCluster()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    const mirrors = [{ url: await deadUrl() }, { url: (await startRegistryMock()).url }]
    const nodes = await startNodes(cluster, mirrors, { withSupernode })
    await connect(cluster, nodes)
    await expectGood(nodes, blob)
    expect(bodyBytes(cluster.registry)).toBe(BLOB_BYTES)
  })

  test('a mirror breaks off in mid-body: the registry gives the rest', async () => {
    await using cluster = await startCluster()
    const mirror = await startRegistryMock()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    await seedBlob(mirror, BLOB_BYTES)
    mirror.faults.set([{ match: GET_BLOB, action: 'cut', afterBytes: 2 * MIB }])
    const nodes = await startNodes(cluster, [{ url: mirror.url }], { withSupernode })
    await connect(cluster, nodes)
    await expectGood(nodes, blob)
    expect(bodyBytes(cluster.registry)).toBeGreaterThan(0)
    // What waits in buffers when the connection ends is asked for again.
    expect(bodyBytes(cluster.registry)).toBeLessThan(BLOB_BYTES / 2)
  })

  test('a mirror has wrong bytes: they are never taken for the blob, and the next pull is good', async () => {
    await using cluster = await startCluster()
    const mirror = await startRegistryMock()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    await seedBlob(mirror, BLOB_BYTES)
    mirror.faults.set([{ match: GET_BLOB, action: 'corrupt', afterBytes: BLOB_BYTES - 10 }])
    const nodes = await startNodes(cluster, [{ url: mirror.url }], { withSupernode })
    const outcomes = await Promise.allSettled(nodes.map(node => pullBlob(node, blob)))
    for (const outcome of outcomes) {
      if (outcome.status === 'fulfilled') expect(outcome.value.digest).toBe(blob.digest)
    }
    await expectGood(nodes, blob)
    await expectGood(nodes, blob)
  })

  test('private content takes the yes of the registry, and callers show mirrors nothing', async () => {
    await using cluster = await startCluster({ auth: { mode: 'basic' } })
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: MIB })
    const [layer] = image.layers
    const bytes = await ask(`${cluster.registry.url}/v2/${image.repository}/blobs/${layer?.digest}`, { headers: BASIC })
    const mirror = await startTestServer((request, response) => serveContent(request, response, bytes.body))
    const nodes = await startNodes(cluster, [{ url: mirror.url }], { withSupernode })
    const url = (node: TestProgram) => `${node.url}/v2/${image.repository}/blobs/${layer?.digest}`
    const wrong = { authorization: `Basic ${btoa('user:wrong')}` }
    cluster.registry.stats.reset()

    // Before anybody has it, and when it is here.
    for (const time of ['first', 'then']) {
      for (const node of nodes) {
        expect((await ask(url(node))).status, time).toBe(401)
        expect((await ask(url(node), { headers: wrong })).status, time).toBe(401)
      }
      if (time === 'first') expect(mirror.requests).toEqual([])
      for (const node of nodes)
        expect((await ask(url(node), { headers: BASIC })).body.equals(bytes.body), time).toBe(true)
    }
    expect(bodyBytes(cluster.registry)).toBe(0)
    expect(mirror.requests.length).toBeGreaterThan(0)
    expect(mirror.requests.filter(({ headers }) => headers.authorization !== undefined)).toEqual([])
  })
})

test('a manifest comes from a mirror with an account of its own, what its tag means from the registry', async () => {
  await using cluster = await startCluster()
  const mirror = await startRegistryMock({ auth: { mode: 'basic' } })
  const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: MIB })
  await mirror.generateImage({ layers: 1, sizeBytes: MIB })
  const [node] = await startNodes(cluster, [{ url: mirror.url, account: { username: 'user', password: 'password' } }], {
    withSupernode: false,
  })
  // The registry answers the tag, and no manifest.
  cluster.registry.faults.set([{ match: { kind: 'manifest', method: 'GET' }, action: 'status', status: 500 }])
  const { status, body } = await ask(`${node?.url}/v2/${image.repository}/manifests/${image.tag}`)
  expect({ status, digest: digestOf(body) }).toEqual({ status: 200, digest: image.digest })
})

describe('while the registry is down', () => {
  test.each([
    ['allow', 200],
    ['recent', 404],
    ['deny', 404],
  ] as const)('access.outage %s decides whether a mirror serves a blob that nobody has: %i', async (policy, status) => {
    await using cluster = await startCluster()
    const mirror = await startRegistryMock()
    const blob = await seedBlob(mirror, BLOB_BYTES)
    const [node] = await startNodes(cluster, [{ url: mirror.url }], {
      withSupernode: false,
      settings: { 'access.outage': policy },
    })
    await cluster.registry.stop()
    const pulled = await pullBlob(node ?? { url: '' }, blob)
    expect(pulled.status).toBe(status)
    if (status === 200) expect(pulled.digest).toBe(blob.digest)
    else expect(bodyBytes(mirror)).toBe(0)
  })
})

describe('a way that leads back to the dfdaemon', () => {
  /** A server that sends every request on to a dfdaemon. */
  async function backTo(node: () => TestProgram | undefined) {
    return startTestServer((request, response) => {
      response.writeHead(307, { location: `${node()?.url}${request.url}` }).end()
    })
  }

  test('is an error, not an endless loop: as an upstream', async () => {
    await using cluster = await startCluster()
    let node: TestProgram | undefined
    const server = await backTo(() => node)
    const blob = await seedBlob(cluster.registry, 1000)
    node = await cluster.dfdaemon({}, { upstreams: { [cluster.registry.host]: { url: server.url } } })
    for (const path of [`blobs/${blob.digest}`, `manifests/${blob.digest}`, 'manifests/latest', 'tags/list']) {
      const answer = await ask(`${node.url}/v2/${blob.repository}/${path}`)
      expect(`${path} ${answer.status >= 400}`).toBe(`${path} true`)
    }
    const looped = await ask(`${node.url}/v2/library/test/tags/list`)
    expect(ociCodeOf(looped)).toBe('LOOP_DETECTED')
    expect(server.requests.length).toBeLessThan(30)
  })

  test('is passed over: as a mirror', async () => {
    await using cluster = await startCluster()
    let node: TestProgram | undefined
    const server = await backTo(() => node)
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    node = await cluster.dfdaemon({}, { upstreams: { [cluster.registry.host]: { mirrors: [{ url: server.url }] } } })
    await expectGood([node], blob)
    expect(server.requests.length).toBeLessThan(5)
  })
})

test('a mirror that is no URL stops the start', async () => {
  await using cluster = await startCluster()
  const file = { upstreams: { 'a.example': { mirrors: [{ url: 'mirror.example' }] } } }
  const invalid = { code: 'CONFIG_INVALID', message: expect.stringContaining('upstreams.a.example.mirrors.0.url') }
  await expect(cluster.dfdaemon({}, file)).rejects.toMatchObject(invalid)
  await expect(cluster.supernode({}, file)).rejects.toMatchObject(invalid)
})
