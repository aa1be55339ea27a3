import { afterEach, describe, expect, it } from 'vitest'
import { patternBytes, readAll, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

const content = patternBytes(300_000)
const sourceOf = (url: string) => ({ url: `${url}/file`, headers: {} })

describe('open', () => {
  it('reads the whole content and says what it is', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const opened = await fixture.origin().open(sourceOf(server.url))
    expect(opened).toMatchObject({
      sizeBytes: content.length,
      start: 0,
      validator: '"v1"',
      contentType: 'application/octet-stream',
    })
    expect(await readAll(opened.body)).toEqual(content)
    expect(server.requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity', host: new URL(server.url).host })
    expect(server.requests[0]?.headers.range).toBeUndefined()
  })

  it('reads from an offset and in slices', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const origin = fixture.origin()
    const rest = await origin.open(sourceOf(server.url), { start: 100_001 })
    expect(rest).toMatchObject({ start: 100_001, sizeBytes: content.length })
    expect(await readAll(rest.body)).toEqual(content.subarray(100_001))
    const slice = await origin.open(sourceOf(server.url), { start: 7, end: 70_000 })
    expect(await readAll(slice.body)).toEqual(content.subarray(7, 70_000))
    const beyond = await origin.open(sourceOf(server.url), { start: 299_999, end: 999_999 })
    expect(await readAll(beyond.body)).toEqual(content.subarray(299_999))
    expect(server.requests.map(request => request.headers.range)).toEqual([
      'bytes=100001-',
      'bytes=7-69999',
      'bytes=299999-999998',
    ])
  })

  it('takes its part out of a 200 that ignores the range', async () => {
    const server = await fixture.server((_, response) =>
      response.writeHead(200, { 'content-length': content.length }).end(content),
    )
    const origin = fixture.origin()
    const rest = await origin.open(sourceOf(server.url), { start: 100_001 })
    expect(rest).toMatchObject({ start: 100_001, sizeBytes: content.length })
    expect(await readAll(rest.body)).toEqual(content.subarray(100_001))
    const slice = await origin.open(sourceOf(server.url), { start: 5, end: 6 })
    expect(await readAll(slice.body)).toEqual(content.subarray(5, 6))
  })

  it('reads chunked content, whose size is not known before', async () => {
    const server = await fixture.server((_, response) => {
      response.write(content.subarray(0, 1_000))
      response.end(content.subarray(1_000))
    })
    const origin = fixture.origin()
    const whole = await origin.open(sourceOf(server.url))
    expect(whole.sizeBytes).toBeUndefined()
    expect(await readAll(whole.body)).toEqual(content)
    const rest = await origin.open(sourceOf(server.url), { start: 900 })
    expect(await readAll(rest.body)).toEqual(content.subarray(900))
    const behind = await origin.open(sourceOf(server.url), { start: content.length })
    await expect(readAll(behind.body)).rejects.toMatchObject({ code: 'RANGE_INVALID' })
  })

  it('reads empty content', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, Buffer.alloc(0)))
    const opened = await fixture.origin().open(sourceOf(server.url))
    expect(opened.sizeBytes).toBe(0)
    expect(await readAll(opened.body)).toHaveLength(0)
  })

  it('hands out large chunks', async () => {
    const large = patternBytes(8 * 1024 * 1024)
    const server = await fixture.server((request, response) => serveContent(request, response, large))
    const opened = await fixture.origin().open(sourceOf(server.url))
    let chunks = 0
    for await (const chunk of opened.body) chunks += chunk.length > 0 ? 1 : 0
    expect(large.length / chunks).toBeGreaterThan(32 * 1024)
  })

  it('asks with If-Range and refuses other content than before', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const origin = fixture.origin()
    const same = await origin.open(sourceOf(server.url), { start: 10, validator: '"v1"' })
    expect(await readAll(same.body)).toEqual(content.subarray(10))
    expect(server.requests[0]?.headers['if-range']).toBe('"v1"')
    const changed = origin.open(sourceOf(server.url), { start: 10, validator: '"v0"' })
    await expect(changed).rejects.toMatchObject({ code: 'ORIGIN_FAILED' })
  })

  it("passes the requester's headers on, but no conditions, ranges or hop-by-hop headers", async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const headers = {
      Authorization: 'Bearer mine',
      'X-Api-Key': 'k',
      Range: 'bytes=1-2',
      'If-None-Match': '"v1"',
      Host: 'elsewhere.example',
      Connection: 'close',
      'Accept-Encoding': 'gzip',
    }
    const opened = await fixture.origin().open({ url: `${server.url}/file?q=1`, headers })
    expect(await readAll(opened.body)).toEqual(content)
    expect(server.requests[0]).toMatchObject({
      path: '/file?q=1',
      headers: {
        authorization: 'Bearer mine',
        'x-api-key': 'k',
        host: new URL(server.url).host,
        'accept-encoding': 'identity',
      },
    })
    expect(server.requests[0]?.headers).not.toHaveProperty('range')
    expect(server.requests[0]?.headers).not.toHaveProperty('if-none-match')
  })

  it.each([
    ['with a Content-Encoding', 200, { 'content-encoding': 'gzip', 'content-length': '3' }, {}],
    ['without Content-Range', 206, { 'content-length': '3' }, { start: 5 }],
    ['from another offset', 206, { 'content-range': 'bytes 0-2/10', 'content-length': '3' }, { start: 5 }],
    ['longer than asked', 206, { 'content-range': 'bytes 5-7/10', 'content-length': '3' }, { start: 5, end: 7 }],
    ['that ends behind its total', 206, { 'content-range': 'bytes 5-7/6', 'content-length': '3' }, { start: 5 }],
    ['whose lengths differ', 206, { 'content-range': 'bytes 5-8/10', 'content-length': '3' }, { start: 5 }],
    ['in part that nobody asked for', 206, { 'content-range': 'bytes 0-2/10', 'content-length': '3' }, {}],
    ['without content', 204, {}, {}],
    ['of 2^53 bytes', 200, { 'content-length': '9007199254740992' }, {}],
  ])('refuses an answer %s', async (_, status, headers, options) => {
    const server = await fixture.server((_, response) => {
      response.writeHead(status, headers)
      if (status === 204) response.end()
      else response.write('abc')
    })
    await expect(fixture.origin().open(sourceOf(server.url), options)).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      originStatus: status,
    })
  })

  it('refuses slices without bytes and URLs that are not HTTP', async () => {
    const origin = fixture.origin()
    await expect(origin.open({ url: 'http://127.0.0.1:1/', headers: {} }, { start: 5, end: 5 })).rejects.toMatchObject({
      code: 'RANGE_INVALID',
    })
    for (const url of ['file:///etc/passwd', '/relative', 'http://']) {
      await expect(origin.open({ url, headers: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
      await expect(origin.check({ url, headers: {} })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
    }
  })
})
