import { readdir } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../protocol/digest.ts'
import type { RegistryMockSettings } from '../../../registry-mock/config.ts'
import { BASIC, errorCode, patternBytes, pushBlob, startRegistryMock } from '../../helpers/registry-mock.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'
import { waitFor } from '../../helpers/wait.ts'

const BYTES = patternBytes(3_000_000)
const DIGEST = digestOf(BYTES)

async function opened(settings: RegistryMockSettings = {}) {
  const registry = await startRegistryMock(settings)
  const begun = await fetch(`${registry.url}/v2/a/blobs/uploads/`, { method: 'POST' })
  const location = registry.url + begun.headers.get('location')
  const send = (
    method: string,
    body?: Uint8Array<ArrayBuffer> | ReadableStream,
    headers: Record<string, string> = {},
    query = '',
  ) => fetch(location + query, { method, headers, ...(body === undefined ? {} : { body, duplex: 'half' }) })
  return { registry, begun, send }
}

describe.each(['memory', 'disk'])('an upload kept in %s', kind => {
  async function settings(stack: AsyncDisposableStack): Promise<RegistryMockSettings> {
    return kind === 'memory' ? {} : { dataDir: stack.use(await createScratchDirectory()).path }
  }

  test('goes in chunks, says how far it is, and ends as a blob', async () => {
    await using stack = new AsyncDisposableStack()
    const { registry, begun, send } = await opened(await settings(stack))
    expect([begun.status, begun.headers.get('range')]).toEqual([202, '0-0'])
    expect(begun.headers.get('docker-upload-uuid')).toMatch(/^[0-9a-f-]{36}$/)
    const first = await send('PATCH', BYTES.slice(0, 1_000_000), { 'content-range': '0-999999' })
    expect([first.status, first.headers.get('range')]).toEqual([202, '0-999999'])
    // A body of unknown length, as docker sends it.
    const second = await send('PATCH', new Blob([BYTES.slice(1_000_000, 2_500_000)]).stream())
    expect([second.status, second.headers.get('range')]).toEqual([202, '0-2499999'])
    const status = await send('GET')
    expect([status.status, status.headers.get('range')]).toEqual([204, '0-2499999'])
    const ended = await send('PUT', BYTES.slice(2_500_000), {}, `?digest=${DIGEST}`)
    expect([ended.status, ended.headers.get('location')]).toEqual([201, `/v2/a/blobs/${DIGEST}`])
    expect((await send('GET')).status).toBe(404)
    const blob = await fetch(`${registry.url}/v2/a/blobs/${DIGEST}`)
    expect(digestOf(new Uint8Array(await blob.arrayBuffer()))).toBe(DIGEST)
    const part = await fetch(`${registry.url}/v2/a/blobs/${DIGEST}`, { headers: { range: 'bytes=999990-1000009' } })
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(BYTES.slice(999_990, 1_000_010))
  })

  test('is refused when the content is not what the digest says', async () => {
    await using stack = new AsyncDisposableStack()
    for (const [digest, code] of [
      [digestOf(new Uint8Array()), 'DIGEST_INVALID'],
      [digestOf(new Uint8Array(), 'sha512'), 'DIGEST_INVALID'],
    ] as const) {
      const { registry, send } = await opened(await settings(stack))
      const refused = await send('PUT', BYTES, {}, `?digest=${digest}`)
      expect([refused.status, await errorCode(refused)]).toEqual([400, code])
      expect((await fetch(`${registry.url}/v2/a/blobs/${digest}`)).status).toBe(404)
    }
  })
})

test('a chunk that does not begin at the end of the last is 416 and changes nothing', async () => {
  const { send } = await opened()
  await send('PATCH', BYTES.slice(0, 10), { 'content-range': '0-9' })
  for (const range of ['0-9', '20-29']) {
    const refused = await send('PATCH', BYTES.slice(0, 10), { 'content-range': range })
    expect([refused.status, refused.headers.get('range')]).toEqual([416, '0-9'])
  }
  const malformed = await send('PATCH', BYTES.slice(0, 10), { 'content-range': 'ten' })
  expect([malformed.status, await errorCode(malformed)]).toEqual([400, 'BLOB_UPLOAD_INVALID'])
  expect((await send('PUT', BYTES.slice(10), {}, `?digest=${DIGEST}`)).status).toBe(201)
})

test('what had arrived when the client broke off is kept', async () => {
  const { begun, registry, send } = await opened()
  const url = registry.url + begun.headers.get('location')
  const broken = request(url, { method: 'PATCH', headers: { 'content-length': '1000' } })
  broken.on('error', () => {})
  broken.write(BYTES.subarray(0, 10))
  await waitFor(async () => (await send('GET')).headers.get('range') === '0-9', { timeoutMs: 5_000 })
  const second = await send('PATCH', BYTES.slice(0, 10))
  expect([second.status, await errorCode(second)]).toEqual([400, 'BLOB_UPLOAD_INVALID'])
  broken.destroy()
  await waitFor(async () => (await send('PUT', BYTES.slice(10), {}, `?digest=${DIGEST}`)).status === 201, {
    timeoutMs: 5_000,
  })
})

test('an upload needs a digest to end, belongs to its repository, and can be cancelled', async () => {
  const { registry, begun, send } = await opened()
  expect(await errorCode(await send('PUT', BYTES))).toBe('DIGEST_INVALID')
  const elsewhere = begun.headers.get('location')?.replace('/a/', '/b/')
  expect((await fetch(registry.url + elsewhere)).status).toBe(404)
  expect((await send('DELETE')).status).toBe(204)
  expect(await errorCode(await send('PATCH', BYTES))).toBe('BLOB_UPLOAD_UNKNOWN')
})

describe('a mount', () => {
  test('takes a blob over from another repository, or opens an upload', async () => {
    const registry = await startRegistryMock()
    const digest = await pushBlob(registry, 'a', patternBytes(10))
    const mount = async (query: string) =>
      (await fetch(`${registry.url}/v2/b/blobs/uploads/?${query}`, { method: 'POST' })).status
    expect(await mount(`mount=${digest}&from=none`)).toBe(202)
    expect(await mount(`mount=${DIGEST}&from=a`)).toBe(202)
    expect(await mount(`mount=bad&from=a`)).toBe(202)
    expect((await fetch(`${registry.url}/v2/b/blobs/${digest}`)).status).toBe(404)
    expect(await mount(`mount=${digest}&from=a`)).toBe(201)
    expect((await fetch(`${registry.url}/v2/b/blobs/${digest}`)).status).toBe(200)
  })

  test('needs the right to pull from the other repository', async () => {
    const registry = await startRegistryMock({ auth: { mode: 'bearer' } })
    const image = await registry.generateImage({ repository: 'a', layers: 1, sizeBytes: 64 * 1024 })
    const mount = async (scope: string) => {
      const answer = await fetch(`${registry.url}/token?scope=repository:b:pull,push${scope}`, { headers: BASIC })
      const { token } = (await answer.json()) as { token: string }
      const url = `${registry.url}/v2/b/blobs/uploads/?mount=${image.config.digest}&from=a`
      return (await fetch(url, { method: 'POST', headers: { authorization: `Bearer ${token}` } })).status
    }
    expect(await mount('')).toBe(202)
    expect(await mount('&scope=repository:a:pull')).toBe(201)
  })
})

test('blobs on disk go with the registry, and the same blob is kept once', async () => {
  await using scratch = await createScratchDirectory()
  const registry = await startRegistryMock({ dataDir: scratch.path })
  await pushBlob(registry, 'a', BYTES)
  await pushBlob(registry, 'b', BYTES)
  const [own = ''] = await readdir(scratch.path)
  expect(await readdir(join(scratch.path, own))).toHaveLength(1)
  await registry.stop()
  expect(await readdir(scratch.path)).toEqual([])
})
