import { afterEach, beforeEach, expect, test } from 'vitest'
import { ask } from '../helpers/ask.ts'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { startHttpServer } from '../helpers/http-server.ts'
import { pullBlob } from '../helpers/pull.ts'
import { OCI_INDEX, putManifest } from '../helpers/registry-mock.ts'

const MANIFEST = `{ "schemaVersion": 2, "mediaType": "${OCI_INDEX}", "manifests": [] }`
const TAG = 'library/test/manifests/v1'

let cluster: TestCluster

beforeEach(async () => {
  cluster = await startCluster()
  expect((await putManifest(cluster.registry, TAG, MANIFEST, OCI_INDEX)).status).toBe(201)
})

afterEach(() => cluster[Symbol.asyncDispose]())

test('a tag that nobody knows yet waits for a registry slower than the deadline of known ones', async () => {
  const node = await cluster.dfdaemon({ tagDeadlineMs: '100' })
  const match = { kind: 'manifest', method: 'HEAD' } as const
  cluster.registry.faults.set([{ match, action: 'slow-first-byte', delayMs: 1_000 }])
  const answer = await ask(`${node.url}/v2/${TAG}`)
  expect([answer.status, answer.body.toString()]).toEqual([200, MANIFEST])
  expect(answer.headers.warning).toBeUndefined()
})

test.each(['HEAD', 'GET'] as const)(
  'one 500 of the registry to a %s of a manifest is not for the client',
  async method => {
    const node = await cluster.dfdaemon()
    const match = { kind: 'manifest', method } as const
    cluster.registry.faults.set([{ match, action: 'status', status: 500, times: 1 }])
    expect((await ask(`${node.url}/v2/${TAG}`)).body.toString()).toBe(MANIFEST)
  },
)

test('a 500 to the supernode, and one to the node that then reads by itself, are not for the client', async () => {
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, 300_000)
  const hiccup = { action: 'status', status: 500, times: 1 } as const
  cluster.registry.faults.set([
    { match: { kind: 'blob', method: 'HEAD' }, ...hiccup },
    { match: { kind: 'blob', method: 'GET' }, ...hiccup },
  ])
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
})

test.each([
  [600, 1],
  [600, 3],
  [3_000_000, 1],
  [3_000_000, 3],
])(
  'wrong bytes that the registry sends once, in a blob of %i bytes, reach none of %i nodes',
  async (sizeBytes, count) => {
    const supernode = await cluster.supernode()
    const nodes = await cluster.dfdaemons(count, { supernode: supernode.url })
    const blob = await seedBlob(cluster.registry, sizeBytes)
    const match = { kind: 'blob', method: 'GET' } as const
    cluster.registry.faults.set([{ match, action: 'corrupt', afterBytes: sizeBytes / 2, times: 1 }])
    for (const pulled of await Promise.all(nodes.map(node => pullBlob(node, blob)))) {
      expect(pulled).toMatchObject({ status: 200, digest: blob.digest })
    }
  },
)

test.each([
  ['containerd/1.6.20~ds1', 0, 502],
  ['containerd/1.6.20~ds1', 1, 502],
  ['docker/20.10.24+dfsg1 go/go1.19.8', 1, 404],
])(
  'nothing of a blob that the registry sends wrong each time reaches %s at a node of %i supernodes',
  async (client, supernodes, status) => {
    const node = await cluster.dfdaemon(supernodes === 0 ? {} : { supernode: (await cluster.supernode()).url })
    const blob = await seedBlob(cluster.registry, 3_000_000)
    const match = { kind: 'blob', method: 'GET' } as const
    cluster.registry.faults.set([{ match, action: 'corrupt', afterBytes: 1_000_000 }])
    const url = `${node.url}/v2/${blob.repository}/blobs/${blob.digest}`
    const answer = await ask(url, { headers: { 'user-agent': client } })
    const words = expect.stringContaining('does not match its digest')
    expect([answer.status, answer.body.toString()]).toEqual([status, words])
    expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.requests).toBeLessThanOrEqual(4)
    cluster.registry.faults.set([])
    expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  },
)

test('a body without a length that ends early is read on, also without a supernode', async () => {
  const blob = await seedBlob(cluster.registry, 300_000)
  const front = await startHttpServer(async (request, response) => {
    const { status, headers, body } = await ask(`${cluster.registry.url}${request.url}`, {
      method: request.method ?? 'GET',
      headers: request.headers.range === undefined ? {} : { range: request.headers.range },
    })
    const { 'content-length': length, ...unsized } = headers
    const early = request.method === 'GET' && status === 200
    response.writeHead(status, early ? unsized : { ...unsized, 'content-length': length })
    response.end(early ? body.subarray(0, 100_000) : body)
  })
  const node = await cluster.dfdaemon({ defaultUpstream: new URL(front.url).host })
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  await front.close()
})

test.each([
  ['docker/20.10.24+dfsg1 go/go1.19.8', 404],
  ['containerd/1.6.20~ds1', 500],
  ['containers/5.23.1 (github.com/containers/image)', 500],
  ['skopeo/1.9.3', 500],
  ['Buildah/1.28.2', 500],
])('a registry that fails for good, and is asked for a blob by %s, is %i', async (client, expected) => {
  const node = await cluster.dfdaemon()
  const blob = await seedBlob(cluster.registry, 300_000)
  cluster.registry.faults.set([{ match: { kind: 'blob' }, action: 'status', status: 500 }])
  const url = `${node.url}/v2/${blob.repository}/blobs/${blob.digest}`
  const answer = await ask(url, { headers: { 'user-agent': client } })
  expect(answer.status).toBe(expected)
  expect(answer.body.toString()).toContain('answered 500')
  await cluster.registry.stop()
  expect((await ask(url, { headers: { 'user-agent': client } })).status).toBe(expected === 404 ? 404 : 502)
})
