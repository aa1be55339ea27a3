import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { createSelfSigned } from '../helpers/self-signed.ts'

const BLOB_BYTES = 3 * 1024 * 1024 + 77
const REGISTRY = 'private.example'
const ACCOUNT = { username: 'user', password: 'password' }

/** Puts TLS with a certificate that nobody knows in front of a registry, for the running test. */
async function startTlsFront(registry: { readonly url: string }) {
  const reads: string[] = []
  const { cert, key } = createSelfSigned()
  const server = createServer({ cert, key }, async (asked, response) => {
    const method = asked.method === 'HEAD' ? 'HEAD' : 'GET'
    const range = asked.headers.range
    if (method === 'GET') reads.push((asked.url ?? '').replace(/\?.*/, ''))
    const answer = await request(`${registry.url}${asked.url}`, {
      method,
      headers: range === undefined ? {} : { range },
    })
    response.writeHead(answer.statusCode, answer.headers)
    await pipeline(answer.body, response).catch(() => {})
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const scratch = await createScratchDirectory()
  onTestFinished(async () => {
    server.closeAllConnections()
    server.close()
    await scratch[Symbol.asyncDispose]()
  })
  const caFile = join(scratch.path, 'ca.pem')
  await writeFile(caFile, cert)
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, caFile, reads }
}

async function pullAll(nodes: readonly TestProgram[], blob: TestBlob): Promise<void> {
  for (const pulled of await Promise.all(nodes.map(node => pullBlob(node, blob, { query: `?ns=${REGISTRY}` })))) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: blob.bytes.length })
  }
}

const originBytes = (node: TestProgram) => readMetric(node, 'damselfly_peer_origin_bytes_total')

describe('a registry whose certificate only the configuration makes trusted', () => {
  test.each(['caFile', 'insecure', 'a mirror with caFile'] as const)('is read once for all: %s', async how => {
    await using cluster = await startCluster()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    const { url, caFile, reads } = await startTlsFront(cluster.registry)
    const upstream = {
      caFile: { url, caFile },
      insecure: { url, insecure: true },
      'a mirror with caFile': { url: cluster.registry.url, mirrors: [{ url, caFile }] },
    }[how]
    const file = { upstreams: { [REGISTRY]: upstream } }
    const supernode = await cluster.supernode({}, file)
    const nodes = await Promise.all([1, 2, 3].map(() => cluster.dfdaemon({ supernode: supernode.url }, file)))
    // The first connections take their time, and no pull waits for a supernode longer than a second.
    await pullAll(nodes, await seedBlob(cluster.registry, 1000, { seed: 'first' }))
    const before = await Promise.all(nodes.map(originBytes))
    await pullAll(nodes, blob)
    const { blobs } = cluster.registry.stats.snapshot()
    expect(blobs[blob.digest]).toMatchObject({ requests: 1, bytesSent: BLOB_BYTES })
    expect(reads.filter(path => path.endsWith(blob.digest))).toHaveLength(1)
    expect(await Promise.all(nodes.map(originBytes))).toEqual(before)
  })
})

async function register(supernode: TestProgram, source: object) {
  const response = await request(`${supernode.url}/peer/registry`, {
    method: 'POST',
    body: JSON.stringify({ peerId: supernode.peerId, source: { headers: {}, ...source } }),
    headers: { 'content-type': 'application/json' },
  })
  const answer = (await response.body.json()) as { state?: string; code?: string; message?: string }
  return { status: response.statusCode, ...answer }
}

describe("the supernode's own account at a registry", () => {
  test('speaks for those who show nothing, and for nobody else', async () => {
    await using cluster = await startCluster({ auth: { mode: 'basic' } })
    const image = await cluster.registry.generateImage({ layers: 1, sizeBytes: 100_000 })
    const digest = image.layers[0]?.digest
    const source = { url: `${cluster.registry.url}/v2/${image.repository}/blobs/${digest}`, digest }
    const wrong = { authorization: `Basic ${btoa('user:wrong')}` }
    const without = await cluster.supernode()
    expect(await register(without, source)).toMatchObject({ status: 401 })
    const supernode = await cluster.supernode({}, { upstreams: { [cluster.registry.host]: { account: ACCOUNT } } })
    expect(await register(supernode, source)).toMatchObject({ status: 200, state: 'admitted' })
    expect(await register(supernode, { ...source, headers: wrong })).toMatchObject({ status: 401 })
    const credentials = { ...ACCOUNT, password: 'wrong' }
    expect(await register(supernode, { ...source, credentials })).toMatchObject({ status: 401 })
  })
})

describe('registries that the supernode does not serve', () => {
  test.each([
    ['not allowed', { 'registries.allow': 'other.example' }],
    ['denied', { 'registries.deny': '127.0.0.1:*' }],
  ])('are left to the nodes: %s', async (_, settings) => {
    await using cluster = await startCluster()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    const supernode = await cluster.supernode(settings)
    cluster.registry.stats.reset()
    const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
    expect(await register(supernode, { url, digest: blob.digest })).toMatchObject({ status: 403, code: 'DENIED' })
    expect(cluster.registry.stats.snapshot().requests).toBe(0)
    const node = await cluster.dfdaemon({ supernode: supernode.url })
    expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  })
})
