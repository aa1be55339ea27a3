import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, ociCodeOf } from '../helpers/ask.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { pushBlob } from '../helpers/registry-mock.ts'
import { waitFor } from '../helpers/wait.ts'

const REPOSITORY = 'library/test'
const BLOB_BYTES = 1024 * 1024 + 2048
const UNKNOWN = `sha256:${'0'.repeat(64)}`

let cluster: TestCluster
let node: TestProgram
let blob: TestBlob

beforeAll(async () => {
  cluster = await startCluster()
  const supernode = await cluster.supernode()
  node = await cluster.dfdaemon({ supernode: supernode.url })
  blob = await seedBlob(cluster.registry, BLOB_BYTES, { repository: REPOSITORY })
})

afterAll(() => cluster[Symbol.asyncDispose]())

const blobUrl = () => `${node.url}/v2/${REPOSITORY}/blobs/${blob.digest}`

const blobHeaders = () => ({
  'content-type': 'application/octet-stream',
  'docker-content-digest': blob.digest,
  'accept-ranges': 'bytes',
  etag: `"${blob.digest}"`,
})

describe('blobs', () => {
  test('HEAD of a blob that is not here yet', async () => {
    const fresh = await seedBlob(cluster.registry, 5_000, { seed: 'head' })
    const { status, headers, body } = await ask(`${node.url}/v2/${REPOSITORY}/blobs/${fresh.digest}`, {
      method: 'HEAD',
    })
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'content-length': '5000', 'docker-content-digest': fresh.digest })
    expect(body.length).toBe(0)
    expect(cluster.registry.stats.snapshot().blobs[fresh.digest]?.bytesSent).toBe(0)
  })

  test('GET and HEAD', async () => {
    const got = await ask(blobUrl())
    expect(got.status).toBe(200)
    expect(got.headers).toMatchObject({ ...blobHeaders(), 'content-length': String(BLOB_BYTES) })
    expect(got.body.equals(blob.bytes)).toBe(true)
    const head = await ask(blobUrl(), { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers).toMatchObject({ ...blobHeaders(), 'content-length': String(BLOB_BYTES) })
    expect(head.body.length).toBe(0)
  })

  test('HEAD of a stored blob asks nobody', async () => {
    await ask(blobUrl())
    await waitFor(async () => (await ask(`${node.url}/api/v1/tasks`)).body.includes('complete'), { timeoutMs: 10_000 })
    const { requests } = cluster.registry.stats.snapshot()
    expect((await ask(blobUrl(), { method: 'HEAD' })).status).toBe(200)
    expect(cluster.registry.stats.snapshot().requests).toBe(requests)
  })

  test.for([
    ['bytes=500-1499', 500, 1_500],
    ['bytes=0-0', 0, 1],
    ['bytes=500-', 500, BLOB_BYTES],
    ['bytes=0-', 0, BLOB_BYTES],
    ['bytes=-500', BLOB_BYTES - 500, BLOB_BYTES],
    [`bytes=-${BLOB_BYTES * 2}`, 0, BLOB_BYTES],
    [`bytes=${BLOB_BYTES - 48}-${BLOB_BYTES + 5_000}`, BLOB_BYTES - 48, BLOB_BYTES],
    [`bytes=${256 * 1024 - 1}-${256 * 1024}`, 256 * 1024 - 1, 256 * 1024 + 1],
  ] as const)('range %s', async ([range, start, end]) => {
    const { status, headers, body } = await ask(blobUrl(), { headers: { range } })
    expect(status).toBe(206)
    expect(headers).toMatchObject({
      ...blobHeaders(),
      'content-length': String(end - start),
      'content-range': `bytes ${start}-${end - 1}/${BLOB_BYTES}`,
    })
    expect(body.equals(blob.bytes.subarray(start, end))).toBe(true)
  })

  test.for(['bytes=500-0', `bytes=${BLOB_BYTES}-`, `bytes=${BLOB_BYTES + 1}-${BLOB_BYTES + 9}`, 'bytes=-0'])(
    'range %s is outside',
    async range => {
      const answer = await ask(blobUrl(), { headers: { range } })
      expect(answer.status).toBe(416)
      expect(answer.headers['content-range']).toBe(`bytes */${BLOB_BYTES}`)
      expect(answer.headers['content-length']).toBe(String(answer.body.length))
      expect(ociCodeOf(answer)).toBe('RANGE_INVALID')
    },
  )

  test.for(['bytes=0-1,5-6', 'lines=1-2', 'bytes=a-b', 'bytes='])('range %s is ignored', async range => {
    const { status, body } = await ask(blobUrl(), { headers: { range } })
    expect(status).toBe(200)
    expect(body.length).toBe(BLOB_BYTES)
  })

  test.for([{}, { range: 'bytes=0-' }] as Record<string, string>[])(
    'a blob without bytes, asked for with %o',
    async headers => {
      const digest = await pushBlob(cluster.registry, REPOSITORY, new Uint8Array())
      for (const _ of ['cold', 'warm']) {
        const answer = await ask(`${node.url}/v2/${REPOSITORY}/blobs/${digest}`, { headers })
        expect(answer.status).toBe(200)
        expect(answer.headers['content-length']).toBe('0')
        expect(answer.headers['docker-content-digest']).toBe(digest)
      }
    },
  )

  test('a sha512 blob', async () => {
    const digest = await pushBlob(cluster.registry, REPOSITORY, blob.bytes, 'sha512')
    const { status, headers, body } = await ask(`${node.url}/v2/${REPOSITORY}/blobs/${digest}`)
    expect(status).toBe(200)
    expect(headers['docker-content-digest']).toBe(digest)
    expect(body.equals(blob.bytes)).toBe(true)
  })

  test('ranges while the blob is still arriving', async () => {
    const size = 3 * 1024 * 1024
    await using slow = await startCluster({ bandwidthBytesPerSecond: 2 * 1024 * 1024 })
    const supernode = await slow.supernode()
    const reader = await slow.dfdaemon({ supernode: supernode.url })
    const arriving = await seedBlob(slow.registry, size, { seed: 'arriving' })
    const url = `${reader.url}/v2/${REPOSITORY}/blobs/${arriving.digest}`
    const ranges = [
      [0, 10],
      [size - 10, size],
      [1_000_000, 1_500_000],
      [262_143, 262_145],
    ] as const
    const whole = pullBlob(reader, arriving)
    await Promise.all(
      ranges.map(async ([start, end]) => {
        const response = await request(url, { headers: { range: `bytes=${start}-${end - 1}` } })
        expect(response.statusCode).toBe(206)
        expect(response.headers['content-range']).toBe(`bytes ${start}-${end - 1}/${size}`)
        const body = Buffer.from(await response.body.arrayBuffer())
        expect(body.equals(arriving.bytes.subarray(start, end))).toBe(true)
      }),
    )
    expect(await whole).toMatchObject({ digest: arriving.digest })
    expect(slow.registry.stats.snapshot().totalBlobBytes).toBe(size)
  })

  test('open-ended ranges whose readers hang up early', async () => {
    const size = 8 * 1024 * 1024
    const large = await seedBlob(cluster.registry, size, { seed: 'parts' })
    const part = size / 8
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const start = index * part
        const response = await request(`${node.url}/v2/${REPOSITORY}/blobs/${large.digest}`, {
          headers: { range: `bytes=${start}-` },
        })
        expect(response.statusCode).toBe(206)
        expect(response.headers['content-length']).toBe(String(size - start))
        const chunks: Buffer[] = []
        let received = 0
        for await (const chunk of response.body as AsyncIterable<Buffer>) {
          chunks.push(chunk)
          received += chunk.length
          if (received >= part) break
        }
        const body = Buffer.concat(chunks).subarray(0, part)
        expect(body.equals(large.bytes.subarray(start, start + part))).toBe(true)
      }),
    )
    expect(await pullBlob(node, large)).toMatchObject({ status: 200, digest: large.digest })
    expect(cluster.registry.stats.snapshot().blobs[large.digest]?.bytesSent).toBe(size)
  })

  test('an unknown blob', async () => {
    const answer = await ask(`${node.url}/v2/${REPOSITORY}/blobs/${UNKNOWN}`)
    expect(answer.status).toBe(404)
    expect(ociCodeOf(answer)).toBe('BLOB_UNKNOWN')
    expect((await ask(`${node.url}/v2/${REPOSITORY}/blobs/${UNKNOWN}`, { method: 'HEAD' })).status).toBe(404)
  })
})
