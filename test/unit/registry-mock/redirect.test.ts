import { expect, test } from 'vitest'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { BASIC, patternBytes, pushBlob, startRegistryMock } from '../../helpers/registry-mock.ts'

async function redirected() {
  const clock = createManualClock()
  const registry = await startRegistryMock({ redirect: { enabled: true, lifetimeSeconds: 5 } }, { clock })
  const bytes = patternBytes(1000)
  const digest = await pushBlob(registry, 'a', bytes)
  const blobUrl = `${registry.url}/v2/a/blobs/${digest}`
  const response = await fetch(blobUrl, { redirect: 'manual' })
  const location = response.headers.get('location') ?? ''
  return { clock, registry, bytes, digest, blobUrl, response, location }
}

test('GET of a blob leads to another port, which serves it with ranges', async () => {
  const { registry, bytes, digest, response, location } = await redirected()
  expect(response.status).toBe(307)
  expect(new URL(location).port).not.toBe(new URL(registry.url).port)
  const whole = await fetch(location)
  expect([whole.status, whole.headers.get('content-length')]).toEqual([200, '1000'])
  expect(new Uint8Array(await whole.arrayBuffer())).toEqual(bytes)
  const part = await fetch(location, { headers: { range: 'bytes=-10' } })
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 990-999/1000'])
  await part.arrayBuffer()
  expect(registry.stats.snapshot().blobs[digest]).toMatchObject({ redirects: 1, requests: 2, bytesSent: 1010 })
})

test('HEAD of a blob is answered by the registry itself', async () => {
  const { blobUrl } = await redirected()
  const response = await fetch(blobUrl, { method: 'HEAD', redirect: 'manual' })
  expect([response.status, response.headers.get('content-length')]).toEqual([200, '1000'])
})

test('a signed URL is good for its method, without Authorization, until it expires', async () => {
  const { clock, location } = await redirected()
  expect((await fetch(location, { method: 'HEAD' })).status).toBe(403)
  expect((await fetch(location, { headers: BASIC })).status).toBe(400)
  expect((await fetch(location.replace('expires=', 'expires=9'))).status).toBe(403)
  expect((await fetch(location.replace('signature=', 'signature=x'))).status).toBe(403)
  clock.advance(4_999)
  expect((await fetch(location)).status).toBe(200)
  clock.advance(1)
  expect((await fetch(location)).status).toBe(403)
})

test('faults of kind redirect hit the 307, those of kind blob the storage', async () => {
  const { registry, blobUrl } = await redirected()
  registry.faults.set([{ match: { kind: 'blob' }, action: 'status', status: 503 }])
  const behind = await fetch(blobUrl)
  expect([behind.status, behind.redirected]).toEqual([503, true])
  registry.faults.set([{ match: { kind: 'redirect' }, action: 'status', status: 500 }])
  const before = await fetch(blobUrl)
  expect([before.status, before.redirected]).toEqual([500, false])
})
