import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { patternBytes, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

const content = patternBytes(5_000_000)
const BLOB = '/v2/library/nginx/blobs/sha256:00'

describe('check', () => {
  it('asks with HEAD and tells size and validator', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const info = await fixture.origin().check({ url: server.url + BLOB, headers: { authorization: 'Basic dTpw' } })
    expect(info).toEqual({ sizeBytes: content.length, validator: '"v1"' })
    expect(server.requests).toMatchObject([{ method: 'HEAD', headers: { authorization: 'Basic dTpw' } }])
  })

  it("takes a registry's redirect to storage for a yes and does not follow it", async () => {
    const storage = await fixture.server((_, response) => response.writeHead(403).end())
    const registry = await fixture.server((_, response) =>
      response.writeHead(307, { location: `${storage.url}/?sig=get`, 'content-length': 0, etag: '"r"' }).end(),
    )
    expect(await fixture.origin().check({ url: registry.url + BLOB, headers: {} })).toEqual({
      sizeBytes: undefined,
      validator: undefined,
    })
    expect(storage.requests).toHaveLength(0)
  })

  it('does not take a redirect inside a registry for a yes', async () => {
    const server = await fixture.server((request, response) => {
      if (request.url === BLOB) response.writeHead(301, { location: '/v2/elsewhere/blobs/sha256:00' }).end()
      else response.writeHead(403).end()
    })
    await expect(fixture.origin().check({ url: server.url + BLOB, headers: {} })).rejects.toMatchObject({
      code: 'DENIED',
    })
  })

  it('looks behind any other redirect', async () => {
    const storage = await fixture.server((request, response) => {
      if (request.method === 'HEAD') response.writeHead(403).end()
      else if (request.url === '/login') response.end('<html>')
      else serveContent(request, response, content)
    })
    const server = await fixture.server((request, response) =>
      response
        .writeHead(302, { location: `${storage.url}${request.headers.cookie === 'ok' ? '/file' : '/login'}` })
        .end(),
    )
    const origin = fixture.origin()
    const info = await origin.check({ url: `${server.url}/file`, headers: { cookie: 'ok' } })
    expect(info).toEqual({ sizeBytes: content.length, validator: '"v1"' })
    expect(await origin.check({ url: `${server.url}/file`, headers: {} })).not.toEqual(info)
    expect(storage.requests.map(request => request.headers.range)).toEqual(['bytes=0-0', 'bytes=0-0'])
  })

  it.each([405, 501])('asks for one byte when HEAD is answered %i', async status => {
    const server = await fixture.server((request, response) => {
      if (request.method === 'HEAD') response.writeHead(status).end()
      else serveContent(request, response, content)
    })
    const info = await fixture.origin().check({ url: server.url + BLOB, headers: {} })
    expect(info).toEqual({ sizeBytes: content.length, validator: '"v1"' })
    expect(server.requests[1]).toMatchObject({ method: 'GET', headers: { range: 'bytes=0-0' } })
  })

  it("asks for a blob by GET that HEAD does not find, as in Harbor's proxy-cache projects", async () => {
    const server = await fixture.server((request, response) => {
      if (request.method === 'HEAD') response.writeHead(404).end()
      else serveContent(request, response, content)
    })
    const info = await fixture.origin().check({ url: server.url + BLOB, headers: {} })
    expect(info).toEqual({ sizeBytes: content.length, validator: '"v1"' })
    const manifest = { url: server.url + BLOB.replace('/blobs/', '/manifests/'), headers: {} }
    await expect(fixture.origin().check(manifest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' })
    expect(server.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET', 'HEAD'])
  })

  it('cuts off a server that knows neither HEAD nor ranges', async () => {
    const finished: boolean[] = []
    const server = await fixture.server(async (request, response) => {
      if (request.method === 'HEAD') {
        response.writeHead(405).end()
        return
      }
      response.writeHead(200, { 'content-length': 200_000_000 })
      response.write(content)
      await new Promise<void>(resolve => response.on('close', resolve))
      finished.push(response.writableFinished)
    })
    const info = await fixture.origin().check({ url: server.url, headers: {} })
    expect(info).toEqual({ sizeBytes: 200_000_000, validator: undefined })
    await expect.poll(() => finished).toEqual([false])
  })

  it('knows content that has no first byte for empty, also where no header says so, as S3 does', async () => {
    const server = await fixture.server((request, response) => {
      const header = request.url === '/other' ? { 'content-range': 'bytes */9' } : {}
      response.writeHead(request.method === 'HEAD' ? 403 : 416, header).end()
    })
    const origin = fixture.origin()
    expect(await origin.check({ url: `${server.url}/empty`, headers: {} })).toMatchObject({ sizeBytes: 0 })
    const odd = origin.check({ url: `${server.url}/other`, headers: {} })
    await expect(odd).rejects.toMatchObject({ code: 'RANGE_INVALID' })
  })

  it('accepts empty content and URLs that are presigned for GET only', async () => {
    const server = await fixture.server((request, response) => {
      if (request.method === 'HEAD') response.writeHead(request.url === '/empty' ? 405 : 403).end()
      else if (request.url === '/empty') response.writeHead(416, { 'content-range': 'bytes */0' }).end()
      else serveContent(request, response, content)
    })
    const origin = fixture.origin()
    expect(await origin.check({ url: `${server.url}/empty`, headers: {} })).toMatchObject({ sizeBytes: 0 })
    expect(await origin.check({ url: `${server.url}/file?sig=s`, headers: {} })).toMatchObject({
      sizeBytes: content.length,
    })
  })

  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'BLOB_UNKNOWN'],
    [429, 'TOOMANYREQUESTS'],
    [500, 'ORIGIN_FAILED'],
  ])('makes %i the error %s', async (status, code) => {
    const server = await fixture.server((_, response) => response.writeHead(status).end())
    const origin = fixture.origin()
    await expect(origin.check({ url: server.url + BLOB, headers: {} })).rejects.toMatchObject({
      code,
      originStatus: status,
    })
    await expect(origin.check({ url: `${server.url}/x`, headers: {} })).rejects.toMatchObject({ code })
  })

  it('says when the origin cannot be reached', async () => {
    const server = await fixture.server(() => {})
    await server.close()
    const checking = fixture.origin().check({ url: server.url + BLOB, headers: {} })
    await expect(checking).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
  })

  it('keeps the connection for what comes next', async () => {
    const server = await fixture.server((request, response) => serveContent(request, response, content))
    const origin = fixture.origin()
    const source = { url: `${server.url}/file`, headers: {} }
    const sockets = new Set()
    for (let checks = 0; checks < 10; checks++) {
      await origin.check(source)
      for (const socket of server.sockets) sockets.add(socket)
    }
    // The next check may come before the connection of the one before is free.
    expect(sockets.size).toBeLessThanOrEqual(2)
  })

  it('is not misled by a server that sends a body after a HEAD', async () => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.on('data', request => {
        const body = String(request).startsWith('HEAD') ? 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwrong' : 'right'
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 5\r\netag: "a"\r\n\r\n${body}`)
      })
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const source = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`, headers: {} }
      const origin = fixture.origin()
      for (let tries = 0; tries < 5; tries++) {
        await origin.check(source)
        expect(await text((await origin.open(source)).body)).toBe('right')
      }
    } finally {
      await fixture.close()
      server.close()
    }
  })
})
