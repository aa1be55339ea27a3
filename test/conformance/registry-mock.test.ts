import { Agent, type IncomingMessage, request } from 'node:http'
import { beforeEach, describe, expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import type { RegistryMock } from '../../registry-mock/create-registry-mock.ts'
import {
  errorCode,
  OCI_INDEX,
  OCI_MANIFEST,
  patternBytes,
  pushBlob,
  putManifest,
  startRegistryMock,
} from '../helpers/registry-mock.ts'

const UNKNOWN = digestOf(new Uint8Array([1, 2, 3]))
const NAME = 'library/demo'
let registry: RegistryMock

beforeEach(async () => {
  registry = await startRegistryMock()
})

function get(path: string, init?: RequestInit): Promise<Response> {
  return fetch(`${registry.url}/v2/${path}`, init)
}

const head = (path: string, init?: RequestInit) => get(path, { method: 'HEAD', ...init })

async function bytesOf(response: Response): Promise<Uint8Array> {
  return new Uint8Array(await response.arrayBuffer())
}

/** Pushes the blobs of a manifest and returns the manifest, which is not pushed. */
async function imageOf(fields: object = {}, layer = patternBytes(100)) {
  const describe = async (mediaType: string, bytes: Uint8Array<ArrayBuffer>) => ({
    mediaType,
    digest: await pushBlob(registry, NAME, bytes),
    size: bytes.length,
  })
  const config = await describe('application/vnd.oci.image.config.v1+json', new TextEncoder().encode('{}'))
  const layers = [await describe('application/vnd.oci.image.layer.v1.tar', layer)]
  return { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers, ...fields }
}

test('GET /v2/ says that the API is there', async () => {
  const response = await get('')
  expect(response.status).toBe(200)
  expect(response.headers.get('docker-distribution-api-version')).toBe('registry/2.0')
  expect((await fetch(`${registry.url}/v2`)).status).toBe(200)
})

describe('blobs', () => {
  test('HEAD and GET give length, digest, ETag and the exact bytes', async () => {
    const bytes = patternBytes(2048)
    const digest = await pushBlob(registry, NAME, bytes)
    const answers = [await head(`${NAME}/blobs/${digest}`), await get(`${NAME}/blobs/${digest}`)]
    for (const { status, headers } of answers) {
      expect(status).toBe(200)
      expect(headers.get('content-length')).toBe('2048')
      expect(headers.get('docker-content-digest')).toBe(digest)
      expect(headers.get('etag')).toBe(`"${digest}"`)
      expect(headers.get('accept-ranges')).toBe('bytes')
      expect(headers.get('content-type')).toBe('application/octet-stream')
    }
    expect(await Promise.all(answers.map(bytesOf))).toEqual([new Uint8Array(), bytes])
  })

  test.each([
    ['500-1499', 206, 500, 1500],
    ['500-', 206, 500, 2048],
    ['-500', 206, 1548, 2048],
    ['2000-5000', 206, 2000, 2048],
    ['-5000', 206, 0, 2048],
    ['0-0', 206, 0, 1],
    ['0-9,20-29', 200, 0, 2048],
    ['x', 200, 0, 2048],
  ])('Range bytes=%s of 2048 bytes is %i', async (range, status, start, end) => {
    const bytes = patternBytes(2048)
    const digest = await pushBlob(registry, NAME, bytes)
    const response = await get(`${NAME}/blobs/${digest}`, { headers: { range: `bytes=${range}` } })
    expect(response.status).toBe(status)
    expect(response.headers.get('content-length')).toBe(String(end - start))
    expect(response.headers.get('content-range')).toBe(status === 206 ? `bytes ${start}-${end - 1}/2048` : null)
    expect(await bytesOf(response)).toEqual(bytes.slice(start, end))
  })

  test.each(['500-0', '5000-10000', '2048-', '-0'])('Range bytes=%s of 2048 bytes is 416, well framed', async range => {
    const digest = await pushBlob(registry, NAME, patternBytes(2048))
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const path = `/v2/${NAME}/blobs/${digest}`
      const refused = await exchange(agent, path, { range: `bytes=${range}` })
      expect(refused).toMatchObject({ status: 416, contentRange: 'bytes */2048', code: 'RANGE_INVALID' })
      // A wrong Content-Length would break or stall this second answer on the same connection.
      const next = await exchange(agent, path, {})
      expect(next).toMatchObject({ status: 200, bodyBytes: 2048, localPort: refused.localPort })
    } finally {
      agent.destroy()
    }
  })

  test('If-Range keeps the range only when it names the same content', async () => {
    const digest = await pushBlob(registry, NAME, patternBytes(2048))
    const ask = (validator: string) =>
      get(`${NAME}/blobs/${digest}`, { headers: { range: 'bytes=0-9', 'if-range': validator } })
    expect((await ask(`"${digest}"`)).status).toBe(206)
    expect((await ask('"another"')).status).toBe(200)
  })

  test('an empty blob and a sha512 digest are as good as any', async () => {
    for (const [bytes, algorithm] of [
      [new Uint8Array(), 'sha256'],
      [patternBytes(10), 'sha512'],
    ] as const) {
      const digest = await pushBlob(registry, NAME, bytes, algorithm)
      const response = await get(`${NAME}/blobs/${digest}`)
      expect(response.headers.get('content-length')).toBe(String(bytes.length))
      expect(await bytesOf(response)).toEqual(bytes)
    }
  })

  test('a blob is unknown under the name of another repository', async () => {
    const digest = await pushBlob(registry, NAME, patternBytes(10))
    const response = await get(`library/other/blobs/${digest}`)
    expect([response.status, await errorCode(response)]).toEqual([404, 'BLOB_UNKNOWN'])
  })
})

describe('manifests', () => {
  test('HEAD and GET by tag and by digest give type, length, digest and the exact bytes', async () => {
    const text = JSON.stringify(await imageOf(), undefined, 3)
    const pushed = await putManifest(registry, `${NAME}/manifests/v1`, text)
    const digest = digestOf(Buffer.from(text))
    expect(pushed.status).toBe(201)
    expect(pushed.headers.get('docker-content-digest')).toBe(digest)
    expect(pushed.headers.get('location')).toBe(`/v2/${NAME}/manifests/${digest}`)
    for (const reference of ['v1', digest]) {
      const headers = { accept: `${OCI_INDEX}, ${OCI_MANIFEST}` }
      const path = `${NAME}/manifests/${reference}`
      const answers = [await head(path, { headers }), await get(path, { headers })]
      for (const { status, headers } of answers) {
        expect(status).toBe(200)
        expect(headers.get('content-type')).toBe(OCI_MANIFEST)
        expect(headers.get('content-length')).toBe(String(text.length))
        expect(headers.get('docker-content-digest')).toBe(digest)
      }
      expect(await Promise.all(answers.map(answer => answer.text()))).toEqual(['', text])
    }
  })

  test('a validator that still holds is 304, an Accept that leaves the type out is 404', async () => {
    await putManifest(registry, `${NAME}/manifests/v1`, await imageOf())
    const etag = (await head(`${NAME}/manifests/v1`)).headers.get('etag') ?? ''
    expect((await get(`${NAME}/manifests/v1`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const refused = await get(`${NAME}/manifests/v1`, { headers: { accept: OCI_INDEX } })
    expect([refused.status, await errorCode(refused)]).toEqual([404, 'MANIFEST_UNKNOWN'])
  })

  test('an index of an index, a layer from elsewhere and descriptors with data pass', async () => {
    const foreign = {
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar',
      digest: UNKNOWN,
      size: 3,
      urls: ['http://127.0.0.1/layer'],
    }
    const image = await imageOf()
    const config = { ...image.config, data: 'e30=' }
    const child = JSON.stringify({ ...image, config, layers: [...image.layers, foreign] })
    const inner = indexOf(OCI_MANIFEST, child)
    const outer = indexOf(OCI_INDEX, inner)
    for (const [text, type] of [
      [child, OCI_MANIFEST],
      [inner, OCI_INDEX],
      [outer, OCI_INDEX],
    ] as const) {
      const path = `${NAME}/manifests/${digestOf(Buffer.from(text))}`
      expect((await putManifest(registry, path, text, type)).status).toBe(201)
      expect(await (await get(path)).text()).toBe(text)
    }
  })

  test('a manifest may be named by sha512', async () => {
    const text = JSON.stringify(await imageOf())
    const digest = digestOf(Buffer.from(text), 'sha512')
    expect((await putManifest(registry, `${NAME}/manifests/${digest}`, text)).status).toBe(201)
    expect((await get(`${NAME}/manifests/${digest}`)).headers.get('docker-content-digest')).toBe(digest)
  })

  test.each([
    ['not JSON', 'MANIFEST_INVALID', 400, '{'],
    ['not an object', 'MANIFEST_INVALID', 400, 'null'],
    [
      'of another type than declared',
      'MANIFEST_INVALID',
      400,
      JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX }),
    ],
    ['without a config', 'MANIFEST_INVALID', 400, JSON.stringify({ schemaVersion: 2, layers: [] })],
    ['with a malformed digest', 'MANIFEST_INVALID', 400, manifestNaming('sha256:abc')],
    ['with a blob that was not pushed', 'MANIFEST_BLOB_UNKNOWN', 404, manifestNaming(UNKNOWN)],
    ['of more than 4 MiB', 'BODY_TOO_LARGE', 413, ' '.repeat(4 * 1024 * 1024 + 1)],
  ])('a manifest %s is refused with %s', async (_, code, status, text) => {
    const response = await putManifest(registry, `${NAME}/manifests/v1`, text)
    expect([response.status, await errorCode(response)]).toEqual([status, code])
  })

  test('a manifest is refused under a digest that is not its own, and as schema 1', async () => {
    const image = await imageOf()
    const misnamed = await putManifest(registry, `${NAME}/manifests/${UNKNOWN}`, image)
    expect([misnamed.status, await errorCode(misnamed)]).toEqual([400, 'DIGEST_INVALID'])
    const schema1 = 'application/vnd.docker.distribution.manifest.v1+prettyjws'
    const old = await putManifest(registry, `${NAME}/manifests/v1`, { schemaVersion: 1 }, schema1)
    expect([old.status, await errorCode(old)]).toEqual([400, 'MANIFEST_INVALID'])
  })
})

describe('lists', () => {
  test('tags come sorted and in pages', async () => {
    const image = await imageOf()
    for (const tag of ['b', 'c', 'a', 'B']) await putManifest(registry, `${NAME}/manifests/${tag}`, image)
    const page = async (query: string) => {
      const response = await get(`${NAME}/tags/list${query}`)
      return [((await response.json()) as { tags: string[] }).tags, response.headers.get('link')]
    }
    const next = (last: string) => `</v2/${NAME}/tags/list?n=2&last=${last}>; rel="next"`
    expect(await page('')).toEqual([['B', 'a', 'b', 'c'], null])
    expect(await page('?n=2')).toEqual([['B', 'a'], next('a')])
    expect(await page('?n=2&last=a')).toEqual([['b', 'c'], null])
    expect(await page('?n=0')).toEqual([[], null])
    expect((await get(`${NAME}/tags/list?n=-1`)).status).toBe(400)
  })

  test('referrers are listed, filtered, and never 404', async () => {
    const subjectText = JSON.stringify(await imageOf())
    const subject = { mediaType: OCI_MANIFEST, digest: digestOf(Buffer.from(subjectText)), size: subjectText.length }
    const list = async (query = '') => {
      const response = await get(`${NAME}/referrers/${subject.digest}${query}`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, OCI_INDEX])
      const { manifests } = (await response.json()) as { manifests: { artifactType: string; annotations?: object }[] }
      return { manifests, filters: response.headers.get('oci-filters-applied') }
    }
    expect(await list()).toEqual({ manifests: [], filters: null })
    const annotations = { a: 'b' }
    const first = await imageOf({ subject, artifactType: 'application/x.first', annotations })
    const pushed = await putManifest(registry, `${NAME}/manifests/first`, first)
    expect(pushed.headers.get('oci-subject')).toBe(subject.digest)
    // Without artifactType the config's media type stands in for it (image-spec, "Guidelines for Artifact Usage").
    await putManifest(registry, `${NAME}/manifests/second`, await imageOf({ subject }))
    const all = (await list()).manifests
    expect(all.map(manifest => manifest.artifactType)).toEqual([
      'application/x.first',
      'application/vnd.oci.image.config.v1+json',
    ])
    expect(all[0]).toEqual({
      mediaType: OCI_MANIFEST,
      digest: pushed.headers.get('docker-content-digest'),
      size: JSON.stringify(first).length,
      artifactType: 'application/x.first',
      annotations,
    })
    const filtered = await list('?artifactType=application/x.first')
    expect(filtered).toEqual({ manifests: [all[0]], filters: 'artifactType' })
  })
})

describe('errors have the OCI form', () => {
  test.each([
    [`${NAME}/blobs/${UNKNOWN}`, 404, 'BLOB_UNKNOWN'],
    [`${NAME}/manifests/${UNKNOWN}`, 404, 'MANIFEST_UNKNOWN'],
    [`${NAME}/manifests/missing`, 404, 'MANIFEST_UNKNOWN'],
    [`${NAME}/manifests/sha256:baddigeststring`, 400, 'DIGEST_INVALID'],
    [`${NAME}/blobs/sha256:baddigeststring`, 400, 'DIGEST_INVALID'],
    [`${NAME}/referrers/sha256:baddigeststring`, 400, 'DIGEST_INVALID'],
    [`${NAME}/manifests/.bad`, 400, 'MANIFEST_INVALID'],
    ['Library/demo/tags/list', 400, 'NAME_INVALID'],
    [`${'a'.repeat(256)}/tags/list`, 400, 'NAME_INVALID'],
    ['library/none/tags/list', 404, 'NAME_UNKNOWN'],
    [`${NAME}/blobs/uploads/none`, 404, 'BLOB_UPLOAD_UNKNOWN'],
    ['nothing', 404, 'ROUTE_UNKNOWN'],
    ['%zz/tags/list', 400, 'REQUEST_INVALID'],
  ])('%s is %i %s', async (path, status, code) => {
    const response = await get(path)
    expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/json'])
    expect(await errorCode(response)).toBe(code)
  })

  test('what cannot be done is 405', async () => {
    const response = await get(`${NAME}/manifests/v1`, { method: 'DELETE' })
    expect([response.status, await errorCode(response)]).toEqual([405, 'UNSUPPORTED'])
  })
})

function manifestNaming(digest: string): string {
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest, size: 3 }
  return JSON.stringify({ schemaVersion: 2, config, layers: [] })
}

function indexOf(mediaType: string, text: string): string {
  const manifests = [{ mediaType, digest: digestOf(Buffer.from(text)), size: text.length }]
  return JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests })
}

/** One request over the agent's connection. */
async function exchange(agent: Agent, path: string, headers: Record<string, string>) {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${registry.url}${path}`, { agent, headers }, resolve).on('error', reject).end()
  })
  const { localPort } = response.socket
  const chunks: Buffer[] = await response.toArray()
  const body = Buffer.concat(chunks)
  return {
    status: response.statusCode,
    contentRange: response.headers['content-range'],
    bodyBytes: body.length,
    code: response.statusCode === 416 ? JSON.parse(body.toString()).errors[0].code : undefined,
    localPort,
  }
}
