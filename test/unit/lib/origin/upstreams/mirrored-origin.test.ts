import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { OriginContent } from '../../../../../lib/origin/origin.ts'
import { digestOf } from '../../../../../protocol/digest.ts'
import type { TestHandler, TestHttpServer } from '../../../../helpers/http-server.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'
import { deadUrl, MIRRORED_REGISTRY, readMirrored, startTestServer } from '../../../../helpers/mirror-fixture.ts'
import { patternBytes, readAll, serveContent } from '../../../../helpers/origin-content.ts'
import { waitFor } from '../../../../helpers/wait.ts'

const CONTENT = patternBytes(300_000)
const DIGEST = digestOf(CONTENT)
const PATH = `/v2/library/demo/blobs/${DIGEST}`
const CALLER = { authorization: 'Bearer planted-secret', cookie: 'planted-secret', 'x-api-key': 'planted-secret' }

const serve: TestHandler = (request, response) => serveContent(request, response, CONTENT)
const answer =
  (status: number, headers = {}): TestHandler =>
  (_, response) =>
    response.writeHead(status, headers).end('planted-body')

function cutAt(bytes: number): TestHandler {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(200, { 'content-length': CONTENT.length })
    response.write(CONTENT.subarray(0, bytes), () => response.destroy())
  }
}

function corrupt(request: IncomingMessage, response: ServerResponse): void {
  const bytes = Buffer.from(CONTENT)
  bytes[1000] = (bytes[1000] ?? 0) ^ 1
  serveContent(request, response, bytes)
}

const sourceAt = (registry: TestHttpServer) => ({ url: `${registry.url}${PATH}`, headers: CALLER, digest: DIGEST })
const gets = ({ requests }: TestHttpServer) => requests.filter(({ method }) => method === 'GET')

async function bytesOf(opening: Promise<OriginContent>): Promise<Buffer> {
  return readAll((await opening).body)
}

describe('a blob of a registry with mirrors', () => {
  test('comes from the first mirror, once the registry has said yes', async () => {
    const [registry, first, second] = [
      await startTestServer(serve),
      await startTestServer(serve),
      await startTestServer(serve),
    ]
    const { origin } = await readMirrored(registry, [first, second])
    const content = await origin.open(sourceAt(registry))
    expect(content).toMatchObject({ sizeBytes: CONTENT.length, start: 0, contentType: 'application/octet-stream' })
    expect((await readAll(content.body)).equals(CONTENT)).toBe(true)
    expect(registry.requests).toMatchObject([
      { method: 'HEAD', path: PATH, headers: { authorization: CALLER.authorization } },
    ])
    expect(first.requests).toMatchObject([{ method: 'GET', path: `${PATH}?ns=${MIRRORED_REGISTRY}` }])
    expect(second.requests).toEqual([])
    expect(JSON.stringify(first.requests)).not.toContain('planted-secret')
  })

  test.each([
    ['refuses the connection', undefined],
    ['answers 401', answer(401, { 'www-authenticate': 'Basic realm="mirror"' })],
    ['answers 403', answer(403)],
    ['answers 404', answer(404)],
    ['answers 429', answer(429, { 'retry-after': '60' })],
    ['answers 500', answer(500)],
    ['answers 503', answer(503)],
    ['answers 200 with nothing', answer(200, { 'content-length': 0 })],
    ['answers with another length', answer(200, { 'content-length': 12 })],
    ['closes the connection', (request: IncomingMessage) => request.socket.destroy()],
    ['redirects to nowhere', answer(307, { location: 'http://169.254.169.254/latest' })],
    ['sends a page in gzip', answer(200, { 'content-encoding': 'gzip' })],
  ])('comes from the next one when a mirror %s', async (_, handler) => {
    const [registry, second] = [await startTestServer(serve), await startTestServer(serve)]
    const first = handler === undefined ? { url: await deadUrl() } : await startTestServer(handler)
    const { origin } = await readMirrored(registry, [{ url: first.url }, { url: second.url }])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(gets(second)).toHaveLength(1)
    expect(gets(registry)).toEqual([])
  })

  test('comes from the registry when no mirror has it', async () => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(answer(404))]
    const { origin } = await readMirrored(registry, [{ url: await deadUrl() }, mirror])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(gets(registry)).toMatchObject([{ headers: { authorization: CALLER.authorization } }])
  })

  test('goes on at the byte where a mirror broke off, at the next mirror and then at the registry', async () => {
    const registry = await startTestServer(serve)
    const first = await startTestServer(cutAt(100_000))
    const second = await startTestServer((request, response) => {
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1])
      const headers = {
        'content-range': `bytes ${start}-299999/300000`,
        'content-length': 300_000 - start,
        etag: '"other"',
      }
      response.writeHead(206, headers)
      response.write(CONTENT.subarray(start, start + 50_000), () => response.destroy())
    })
    const { origin } = await readMirrored(registry, [first, second])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    const ranges = [second, registry].map(server =>
      gets(server).map(({ headers }) => Number(/\d+/.exec(headers.range ?? ''))),
    )
    expect(ranges).toMatchObject([[expect.any(Number)], [expect.any(Number)]])
    expect(ranges[0]?.[0]).toBeGreaterThan(0)
    expect(ranges[1]?.[0]).toBeGreaterThan(ranges[0]?.[0] ?? 0)
    expect(gets(registry)[0]?.headers['if-range']).toBeUndefined()
  })

  test('that ends early at a mirror without a length goes on elsewhere', async () => {
    const registry = await startTestServer(serve)
    const mirror = await startTestServer((_, response) => response.writeHead(200).end(CONTENT.subarray(0, 70_000)))
    const { origin } = await readMirrored(registry, [mirror])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(gets(registry)).toMatchObject([{ headers: { range: 'bytes=70000-' } }])
  })

  test('of which a mirror has wrong bytes is not read there again for a while', async () => {
    const clock = createManualClock()
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(corrupt)]
    const { origin } = await readMirrored(registry, [mirror], { clock })
    // What has gone out cannot be called back: whoever reads compares the digest.
    expect(digestOf(await bytesOf(origin.open(sourceAt(registry))))).not.toBe(DIGEST)
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(mirror.requests).toHaveLength(1)
    clock.advance(600_000)
    await bytesOf(origin.open(sourceAt(registry)))
    expect(mirror.requests).toHaveLength(2)
  })

  test.each([
    [
      'wrong bytes',
      (bytes: Buffer): TestHandler =>
        (_, response) =>
          response.end(Buffer.alloc(bytes.length)),
    ],
    [
      'a body that breaks off',
      (bytes: Buffer): TestHandler =>
        (_, response) => {
          response.writeHead(200, { 'content-length': bytes.length })
          response.write(bytes.subarray(0, 100), () => response.destroy())
        },
    ],
  ])('that is small comes whole and right although a mirror has %s', async (_, bad) => {
    const small = patternBytes(2_000)
    const digest = digestOf(small)
    const good: TestHandler = (request, response) => serveContent(request, response, small)
    const [registry, first, second] = [
      await startTestServer(good),
      await startTestServer(bad(small)),
      await startTestServer(good),
    ]
    const { origin } = await readMirrored(registry, [first, second])
    const url = `${registry.url}/v2/library/demo/blobs/${digest}`
    expect((await bytesOf(origin.open({ url, headers: {}, digest }))).equals(small)).toBe(true)
    expect(first.requests).toHaveLength(1)
    expect(gets(registry)).toEqual([])
    const alone = await readMirrored(registry, [first])
    expect((await bytesOf(alone.origin.open({ url, headers: {}, digest }))).equals(small)).toBe(true)
    expect(gets(registry)).toHaveLength(1)
  })

  test('is freed when its opener does not read it', async () => {
    const registry = await startTestServer(serve)
    const mirror = await startTestServer((_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(0, 10_000))
    })
    const { origin } = await readMirrored(registry, [mirror])
    const content = await origin.open(sourceAt(registry))
    content.close()
    await waitFor(() => mirror.sockets.size === 0, { timeoutMs: 5_000, what: 'the end of the connection' })
  })

  test('is read in parts', async () => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(serve)]
    const { origin } = await readMirrored(registry, [mirror])
    const part = await bytesOf(origin.open(sourceAt(registry), { start: 1000, end: 2000 }))
    expect(part.equals(CONTENT.subarray(1000, 2000))).toBe(true)
    expect(gets(registry)).toEqual([])
  })

  test('may be empty', async () => {
    const empty = Buffer.alloc(0)
    const handler: TestHandler = (request, response) => serveContent(request, response, empty)
    const [registry, mirror] = [await startTestServer(handler), await startTestServer(handler)]
    const { origin } = await readMirrored(registry, [mirror])
    const digest = digestOf(empty)
    const url = `${registry.url}/v2/library/demo/blobs/${digest}`
    expect(await bytesOf(origin.open({ url, headers: {}, digest }))).toHaveLength(0)
    expect(gets(registry)).toEqual([])
  })

  test('is freed when its reader closes it', async () => {
    const registry = await startTestServer(serve)
    const mirror = await startTestServer((_, response) => {
      response.writeHead(200, { 'content-length': CONTENT.length })
      response.write(CONTENT.subarray(0, 10_000))
    })
    const { origin } = await readMirrored(registry, [mirror])
    const content = await origin.open(sourceAt(registry))
    await expect(
      (async () => {
        for await (const _ of content.body) content.close()
      })(),
    ).rejects.toMatchObject({ name: 'AbortError' })
    expect(gets(registry)).toEqual([])
  })
})

describe('a mirror that cannot be reached', () => {
  test('is not dialled for every request, and is tried again after a pause that grows', async () => {
    const clock = createManualClock()
    const registry = await startTestServer(serve)
    const mirror = await startTestServer(request => request.socket.destroy())
    const { origin } = await readMirrored(registry, [mirror], { clock })
    const readTimes = async (count: number) => {
      for (let index = 0; index < count; index++) await bytesOf(origin.open(sourceAt(registry)))
      return mirror.requests.length
    }
    // A connection that is lost before the answer is tried once more, as it may have been an old one.
    const dialsPerTry = await readTimes(1)
    expect(await readTimes(10)).toBe(dialsPerTry)
    clock.advance(1_000)
    expect(await readTimes(10)).toBe(2 * dialsPerTry)
    clock.advance(1_999)
    expect(await readTimes(10)).toBe(2 * dialsPerTry)
    clock.advance(1)
    expect(await readTimes(10)).toBe(3 * dialsPerTry)
    for (let pauses = 0; pauses < 20; pauses++) {
      clock.advance(60_000)
      await readTimes(2)
    }
    expect(mirror.requests).toHaveLength(23 * dialsPerTry)
  })

  test('serves again once it answers, whatever it answers', async () => {
    const clock = createManualClock()
    let handler: TestHandler = request => request.socket.destroy()
    const registry = await startTestServer(serve)
    const mirror = await startTestServer((request, response) => handler(request, response))
    const { origin } = await readMirrored(registry, [mirror], { clock })
    await bytesOf(origin.open(sourceAt(registry)))
    handler = answer(404)
    clock.advance(1_000)
    for (let reads = 0; reads < 3; reads++) await bytesOf(origin.open(sourceAt(registry)))
    expect(mirror.requests.length).toBeGreaterThanOrEqual(4)
  })
})

describe('who may read is the word of the registry', () => {
  test.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'BLOB_UNKNOWN'],
  ])('its %i is final, and no mirror is asked', async (status, code) => {
    const [registry, mirror] = [await startTestServer(answer(status)), await startTestServer(serve)]
    const { origin } = await readMirrored(registry, [mirror], { outage: 'allow' })
    await expect(origin.open(sourceAt(registry))).rejects.toMatchObject({ code, originStatus: status })
    await expect(origin.check(sourceAt(registry))).rejects.toMatchObject({ code })
    expect(mirror.requests).toEqual([])
  })

  test.each(['deny', 'recent'] as const)('while it is down, %s gives a newcomer nothing', async outage => {
    const [url, mirror] = [await deadUrl(), await startTestServer(serve)]
    const { origin } = await readMirrored({ url }, [mirror], { outage })
    await expect(origin.open({ url: `${url}${PATH}`, headers: {}, digest: DIGEST })).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
    })
    expect(mirror.requests).toEqual([])
  })

  test('while it is down, allow reads the mirror for everybody', async () => {
    const [url, mirror] = [await deadUrl(), await startTestServer(serve)]
    const { origin } = await readMirrored({ url }, [mirror], { outage: 'allow' })
    const content = origin.open({ url: `${url}${PATH}`, headers: {}, digest: DIGEST })
    expect((await bytesOf(content)).equals(CONTENT)).toBe(true)
  })

  test('while it is down, recent reads the mirror for whom it let in before', async () => {
    let down = false
    const registry = await startTestServer((request, response) => {
      if (down) request.socket.destroy()
      else serveContent(request, response, CONTENT)
    })
    const mirror = await startTestServer(serve)
    const { origin } = await readMirrored(registry, [mirror], { outage: 'recent' })
    await bytesOf(origin.open(sourceAt(registry)))
    down = true
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    await expect(origin.open({ ...sourceAt(registry), headers: {} })).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
    })
  })
})

describe('what a mirror is asked with', () => {
  const account = { username: 'robot$hub', password: 'planted' }
  const expected = `Basic ${btoa('robot$hub:planted')}`
  const guarded: TestHandler = (request, response) => {
    if (request.headers.authorization === expected) serveContent(request, response, CONTENT)
    else response.writeHead(401, { 'www-authenticate': 'Basic realm="mirror"' }).end()
  }

  test('is its own account', async () => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(guarded)]
    const { origin } = await readMirrored(registry, [{ url: mirror.url, account }])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(mirror.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, expected])
    expect(JSON.stringify(registry.requests)).not.toContain(expected)
  })

  test('does not go along with a redirect to a storage', async () => {
    const [registry, storage] = [await startTestServer(serve), await startTestServer(serve)]
    const mirror = await startTestServer((request, response) => {
      if (request.headers.authorization !== expected) guarded(request, response)
      else response.writeHead(307, { location: `${storage.url}/signed` }).end()
    })
    const { origin } = await readMirrored(registry, [{ url: mirror.url, account }])
    expect((await bytesOf(origin.open(sourceAt(registry)))).equals(CONTENT)).toBe(true)
    expect(storage.requests).toHaveLength(1)
    expect(storage.requests[0]?.headers.authorization).toBeUndefined()
  })

  test.each([
    ['/hub', `/hub${PATH}?ns=${MIRRORED_REGISTRY}`, undefined],
    ['/v2/hub/', `${PATH.replace('/v2/', '/v2/hub/')}?ns=${MIRRORED_REGISTRY}`, undefined],
    ['', PATH, false],
  ])('is a path of its own: %s', async (path, asked, ns) => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(serve)]
    const { origin } = await readMirrored(registry, [{ url: `${mirror.url}${path}`, ...(ns === false ? { ns } : {}) }])
    await bytesOf(origin.open(sourceAt(registry)))
    expect(mirror.requests).toMatchObject([{ path: asked }])
  })
})

test.each([['/files/a.tar'], ['/v2/library/demo/manifests/latest'], ['/v2/library/demo/blobs/uploads/1']])(
  'what is no blob is read at its own place: %s',
  async path => {
    const [registry, mirror] = [await startTestServer(serve), await startTestServer(serve)]
    const { origin } = await readMirrored(registry, [mirror])
    await bytesOf(origin.open({ url: `${registry.url}${path}`, headers: {} }))
    expect(mirror.requests).toEqual([])
  },
)
