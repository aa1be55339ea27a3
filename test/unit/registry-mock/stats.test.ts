import { expect, test } from 'vitest'
import { errorCode, patternBytes, pushBlob, putManifest, startRegistryMock } from '../../helpers/registry-mock.ts'
import { waitFor } from '../../helpers/wait.ts'

test('bytes are counted per blob and range, exactly', async () => {
  const registry = await startRegistryMock()
  const first = await pushBlob(registry, 'a', patternBytes(1_000))
  const second = await pushBlob(registry, 'a', patternBytes(2_000_000))
  registry.stats.reset()
  const get = async (digest: string, init: RequestInit = {}) =>
    (await fetch(`${registry.url}/v2/a/blobs/${digest}`, init)).arrayBuffer()
  await get(first)
  await get(first, { method: 'HEAD' })
  await get(first, { headers: { range: 'bytes=5000-' } })
  await get(second, { headers: { range: 'bytes=0-999999' } })
  await get(second, { headers: { range: 'bytes=1000000-' } })
  const snapshot = await (await fetch(`${registry.url}/_stats`)).json()
  expect(snapshot).toEqual({
    blobs: {
      [first]: {
        requests: 1,
        headRequests: 1,
        redirects: 0,
        bytesSent: 1_000,
        ranges: [{ start: 0, end: 1_000, bytesSent: 1_000 }],
      },
      [second]: {
        requests: 2,
        headRequests: 0,
        redirects: 0,
        bytesSent: 2_000_000,
        ranges: [
          { start: 0, end: 1_000_000, bytesSent: 1_000_000 },
          { start: 1_000_000, end: 2_000_000, bytesSent: 1_000_000 },
        ],
      },
    },
    manifests: { requests: 0, headRequests: 0, bytesSent: 0 },
    tokens: { requests: 0 },
    totalBlobBytes: 2_001_000,
    requests: 5,
  })
  expect((await fetch(`${registry.url}/_stats`, { method: 'DELETE' })).status).toBe(204)
  expect(registry.stats.snapshot()).toMatchObject({ blobs: {}, totalBlobBytes: 0, requests: 0 })
})

test('manifests are counted apart', async () => {
  const registry = await startRegistryMock()
  const text = JSON.stringify({ schemaVersion: 2, manifests: [] })
  await putManifest(registry, 'a/manifests/v1', text, 'application/vnd.oci.image.index.v1+json')
  const url = `${registry.url}/v2/a/manifests/v1`
  await fetch(url, { method: 'HEAD' })
  await (await fetch(url)).text()
  expect(registry.stats.snapshot()).toMatchObject({
    blobs: {},
    manifests: { requests: 1, headRequests: 1, bytesSent: text.length },
    totalBlobBytes: 0,
  })
})

test('a client that reads slowly holds the sender back, and one that leaves ends it', async () => {
  const registry = await startRegistryMock()
  const size = 512 * 1024 * 1024
  const image = await registry.generateImage({ repository: 'a', layers: 1, sizeBytes: size })
  const [layer] = image.layers
  if (layer === undefined) throw new Error('no layer')
  const leave = new AbortController()
  const response = await fetch(`${registry.url}/v2/a/blobs/${layer.digest}`, { signal: leave.signal })
  const reader = response.body?.getReader()
  await reader?.read()
  const sent = () => registry.stats.snapshot().totalBlobBytes
  let before = -1
  // Until the buffers in between are full: no byte more between two looks.
  await waitFor(
    () => {
      const still = sent() === before
      before = sent()
      return still
    },
    { timeoutMs: 10_000, intervalMs: 100 },
  )
  expect(sent()).toBeGreaterThan(0)
  expect(sent()).toBeLessThan(size / 8)
  leave.abort()
  await reader?.closed.catch(() => {})
  await registry.stop()
  expect(sent()).toBeLessThan(size / 8)
})

test('the request log keeps what came and what went, without secrets', async () => {
  const registry = await startRegistryMock()
  const digest = await pushBlob(registry, 'a', patternBytes(100))
  registry.clearRequests()
  const headers = { range: 'bytes=0-9', authorization: 'Bearer secret', 'user-agent': 'test/1' }
  await (await fetch(`${registry.url}/v2/a/blobs/${digest}?ns=b`, { headers })).arrayBuffer()
  expect(await errorCode(await fetch(`${registry.url}/v1/_ping`))).toBe('ROUTE_UNKNOWN')
  const path = `/v2/a/blobs/${digest}?ns=b`
  expect(registry.requests[0]).toEqual({
    method: 'GET',
    path,
    range: 'bytes=0-9',
    userAgent: 'test/1',
    authorization: true,
    from: '127.0.0.1',
    startedAt: expect.any(Number),
    status: 206,
    bytesSent: 10,
  })
  expect(registry.requests[1]).toMatchObject({ path: '/v1/_ping', status: 404, authorization: false })
})
