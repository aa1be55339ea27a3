import { type IncomingMessage, request } from 'node:http'
import { expect, test } from 'vitest'
import type { RegistryMock } from '../../../registry-mock/create-registry-mock.ts'
import { errorCode, patternBytes, pushBlob, startRegistryMock } from '../../helpers/registry-mock.ts'
import { waitFor } from '../../helpers/wait.ts'

const SIZE_BYTES = 100_000
const BYTES = patternBytes(SIZE_BYTES)

async function withBlob() {
  const registry = await startRegistryMock()
  const digest = await pushBlob(registry, 'a', BYTES)
  const path = `/v2/a/blobs/${digest}`
  const sent = () => registry.stats.snapshot().blobs[digest]?.bytesSent ?? 0
  return { registry, digest, path, url: registry.url + path, sent }
}

/** Begins a GET and returns the answer with what happened to its body. */
async function download(registry: RegistryMock, path: string, headers: Record<string, string> = {}) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(registry.url + path, { headers, agent: false }, resolve)
      .on('error', reject)
      .end()
  })
  const chunks: Buffer[] = []
  let failure: string | undefined
  response.on('data', (chunk: Buffer) => chunks.push(chunk))
  response.on('error', (error: NodeJS.ErrnoException) => {
    failure = error.code
  })
  const closed = new Promise<void>(resolve => response.once('close', resolve))
  // A reset shows on the socket; the message says ECONNRESET for every early end.
  let socketFailure: string | undefined
  response.socket.on('error', (error: NodeJS.ErrnoException) => {
    socketFailure = error.code
  })
  return {
    response,
    closed,
    bytes: () => Buffer.concat(chunks),
    failure: () => failure,
    socketFailure: () => socketFailure,
  }
}

test('status answers an OCI error with the given headers, as often as told', async () => {
  const { registry, url } = await withBlob()
  registry.faults.set([
    {
      match: { kind: 'blob', method: 'GET' },
      action: 'status',
      status: 429,
      headers: { 'retry-after': '7' },
      times: 2,
    },
  ])
  expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
  for (let time = 0; time < 2; time++) {
    const response = await fetch(url)
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await errorCode(response)).toBe('TOOMANYREQUESTS')
  }
  expect((await fetch(url)).status).toBe(200)
  expect(registry.faults.list()).toMatchObject([{ times: 0 }])
})

test('rules match by kind, digest and repository', async () => {
  const { registry, digest, url } = await withBlob()
  const other = await pushBlob(registry, 'b', patternBytes(5))
  const statuses = async () => [
    (await fetch(`${registry.url}/v2/`)).status,
    (await fetch(url)).status,
    (await fetch(`${registry.url}/v2/b/blobs/${other}`)).status,
  ]
  registry.faults.set([{ match: { kind: 'base' }, action: 'status' }])
  expect(await statuses()).toEqual([500, 200, 200])
  registry.faults.set([{ match: { digest }, action: 'status', status: 404 }])
  expect(await statuses()).toEqual([200, 404, 200])
  registry.faults.set([{ match: { repository: 'b' }, action: 'status', status: 503 }])
  expect(await statuses()).toEqual([200, 200, 503])
  registry.faults.clear()
  expect(await statuses()).toEqual([200, 200, 200])
})

test('cut ends the connection with FIN after exactly the given bytes', async () => {
  const { registry, path, sent } = await withBlob()
  registry.faults.set([{ action: 'cut', afterBytes: 12_345 }])
  const answer = await download(registry, path)
  await answer.closed
  expect(answer.response.headers['content-length']).toBe(String(SIZE_BYTES))
  expect(answer.bytes()).toEqual(Buffer.from(BYTES.subarray(0, 12_345)))
  expect(answer.socketFailure()).toBeUndefined()
  expect(answer.failure()).toBe('ECONNRESET')
  expect(sent()).toBe(12_345)
})

test('reset ends the connection with RST, by default after half the body', async () => {
  const { registry, path, sent } = await withBlob()
  registry.faults.set([{ action: 'reset' }])
  const answer = await download(registry, path)
  await answer.closed
  expect(answer.socketFailure()).toBe('ECONNRESET')
  expect(sent()).toBe(SIZE_BYTES / 2)
})

test('stall stops sending until the client leaves', async () => {
  const { registry, path, sent } = await withBlob()
  registry.faults.set([{ action: 'stall', afterBytes: 1_000, times: 1 }])
  const answer = await download(registry, path)
  await waitFor(() => answer.bytes().length === 1_000, { timeoutMs: 5_000 })
  expect(sent()).toBe(1_000)
  answer.response.destroy()
  await answer.closed
  expect((await (await fetch(registry.url + path)).arrayBuffer()).byteLength).toBe(SIZE_BYTES)
})

test('stall goes on after its delay', async () => {
  const { registry, path } = await withBlob()
  registry.faults.set([{ action: 'stall', delayMs: 50 }])
  const startMs = performance.now()
  const answer = await download(registry, path)
  await answer.closed
  expect(answer.bytes()).toEqual(Buffer.from(BYTES))
  expect(performance.now() - startMs).toBeGreaterThan(45)
})

test('stop ends a stalled transfer', async () => {
  const { registry, path } = await withBlob()
  registry.faults.set([{ action: 'stall', afterBytes: 1 }])
  const answer = await download(registry, path)
  await registry.stop()
  await answer.closed
  expect(answer.response.complete).toBe(false)
})

test.each([
  [undefined, undefined, SIZE_BYTES / 2],
  [7, undefined, 7],
  [SIZE_BYTES * 2, undefined, SIZE_BYTES - 1],
  [7, 'bytes=100-199', 107],
])('corrupt after %s bytes of %s changes byte %i and no other', async (afterBytes, range, changed) => {
  const { registry, path } = await withBlob()
  registry.faults.set([{ action: 'corrupt', ...(afterBytes === undefined ? {} : { afterBytes }) }])
  const answer = await download(registry, path, range === undefined ? {} : { range })
  await answer.closed
  const start = range === undefined ? 0 : 100
  const wrong = [...answer.bytes()].flatMap((byte, index) => (byte === BYTES[start + index] ? [] : [start + index]))
  expect(wrong).toEqual([changed])
  // The stored content stays as it is.
  registry.faults.clear()
  expect(Buffer.from(await (await fetch(registry.url + path)).arrayBuffer())).toEqual(Buffer.from(BYTES))
})

test('chunked leaves out the length, and may end early in good form', async () => {
  const { registry, path, sent } = await withBlob()
  registry.faults.set([
    { action: 'chunked', times: 1 },
    { action: 'chunked', afterBytes: 10 },
  ])
  const whole = await download(registry, path)
  await whole.closed
  expect(whole.response.headers).toMatchObject({ 'transfer-encoding': 'chunked' })
  expect(whole.response.headers['content-length']).toBeUndefined()
  expect(whole.bytes()).toEqual(Buffer.from(BYTES))
  const short = await download(registry, path)
  await short.closed
  expect([short.bytes().length, short.response.complete]).toEqual([10, true])
  expect(sent()).toBe(SIZE_BYTES + 10)
})

test('ignore-range answers 200 and is spent only by requests with a range', async () => {
  const { registry, path, url } = await withBlob()
  registry.faults.set([{ action: 'ignore-range', times: 1 }])
  expect((await fetch(url)).status).toBe(200)
  const headers = { range: 'bytes=10-19' }
  const ignored = await download(registry, path, headers)
  await ignored.closed
  expect([ignored.response.statusCode, ignored.bytes().length]).toEqual([200, SIZE_BYTES])
  expect((await fetch(url, { headers })).status).toBe(206)
})

test('slow-first-byte delays the answer', async () => {
  const { registry, url } = await withBlob()
  registry.faults.set([{ action: 'slow-first-byte', delayMs: 60 }])
  const startMs = performance.now()
  expect((await fetch(url)).status).toBe(200)
  expect(performance.now() - startMs).toBeGreaterThan(55)
})

test('rules can be set, read and removed over HTTP', async () => {
  const { registry, url } = await withBlob()
  const control = (method: string, body?: string) =>
    fetch(`${registry.url}/_faults`, body === undefined ? { method } : { method, body })
  expect((await control('PUT', '[{"action":"status","status":502}]')).status).toBe(204)
  expect(await (await control('GET')).json()).toEqual([{ action: 'status', status: 502 }])
  expect((await fetch(url)).status).toBe(502)
  expect((await control('DELETE')).status).toBe(204)
  expect((await fetch(url)).status).toBe(200)
  for (const body of ['{', '{}', '[{}]', '[{"action":"explode"}]', '[{"action":"cut","tiems":1}]']) {
    const refused = await control('PUT', body)
    expect([refused.status, await errorCode(refused)]).toEqual([400, 'REQUEST_INVALID'])
  }
})
