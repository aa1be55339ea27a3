import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import { createUpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import { patternBytes, readAll, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

const content = patternBytes(50_000)
const credentials = { authorization: 'Bearer secret', cookie: 'session=secret', 'private-token': 'secret' }

describe('redirects', () => {
  it.each([301, 302, 303, 307, 308])(
    'follows a %i to another origin without credentials, but with the range',
    async status => {
      const storage = await fixture.server((request, response) => serveContent(request, response, content))
      const registry = await fixture.server((_, response) =>
        response.writeHead(status, { location: `${storage.url}/blob?X-Amz-Signature=s` }).end(),
      )
      const opened = await fixture.origin().open({ url: `${registry.url}/x`, headers: credentials }, { start: 100 })
      expect(await readAll(opened.body)).toEqual(content.subarray(100))
      expect(registry.requests[0]?.headers).toMatchObject(credentials)
      expect(storage.requests[0]).toMatchObject({
        path: '/blob?X-Amz-Signature=s',
        headers: { range: 'bytes=100-', host: new URL(storage.url).host },
      })
      for (const name of Object.keys(credentials)) expect(storage.requests[0]?.headers).not.toHaveProperty(name)
    },
  )

  it('keeps credentials on the same origin', async () => {
    const server = await fixture.server((request, response) => {
      if (request.url === '/v2/hub/nginx/blobs/x')
        response.writeHead(301, { location: '../../library/nginx/blobs/x' }).end()
      else serveContent(request, response, content)
    })
    const opened = await fixture.origin().open({ url: `${server.url}/v2/hub/nginx/blobs/x`, headers: credentials })
    expect(await readAll(opened.body)).toEqual(content)
    expect(server.requests[1]).toMatchObject({ path: '/v2/hub/library/nginx/blobs/x', headers: credentials })
  })

  it('tells the URL that gave the answer', async () => {
    const server = await fixture.server((request, response) =>
      request.url === '/a' ? response.writeHead(302, { location: '/b?c' }).end() : response.end(),
    )
    const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: trialPolicy() })
    const ask = (path: string) => fetcher.fetch({ url: `${server.url}${path}`, method: 'GET', headers: {} })
    try {
      expect((await ask('/a')).url).toBe(`${server.url}/b?c`)
      expect((await ask('/x')).url).toBe(`${server.url}/x`)
    } finally {
      await fetcher.stop()
    }
  })

  it('does not bring credentials back when a redirect returns', async () => {
    let home = ''
    const elsewhere = await fixture.server((_, response) =>
      response.writeHead(302, { location: `${home}/final` }).end(),
    )
    const server = await fixture.server((request, response) => {
      if (request.url === '/final') serveContent(request, response, content)
      else response.writeHead(302, { location: elsewhere.url }).end()
    })
    home = server.url
    const opened = await fixture.origin().open({ url: `${home}/start`, headers: credentials })
    expect(await readAll(opened.body)).toEqual(content)
    for (const name of Object.keys(credentials)) expect(server.requests[1]?.headers).not.toHaveProperty(name)
  })

  it('asks the registry again, once, when the presigned URL has expired', async () => {
    let signatures = 0
    const storage = await fixture.server((request, response) => {
      if (request.url === '/?sig=2') serveContent(request, response, content)
      else response.writeHead(403).end('<Code>AccessDenied</Code>')
    })
    const registry = await fixture.server((request, response) => {
      signatures += 1
      response.writeHead(307, { location: `${storage.url}/?sig=${request.url === '/bad' ? 0 : signatures}` }).end()
    })
    const origin = fixture.origin()
    const opened = await origin.open({ url: registry.url, headers: credentials }, { start: 9 })
    expect(await readAll(opened.body)).toEqual(content.subarray(9))
    expect(registry.requests).toHaveLength(2)
    expect(registry.requests[1]?.headers).toMatchObject(credentials)
    await expect(origin.open({ url: `${registry.url}/bad`, headers: {} })).rejects.toMatchObject({ code: 'DENIED' })
    expect(registry.requests).toHaveLength(4)
  })

  it('does not ask again after a 403 that was not redirected', async () => {
    const server = await fixture.server((_, response) => response.writeHead(403).end())
    await expect(fixture.origin().open({ url: server.url, headers: {} })).rejects.toMatchObject({ code: 'DENIED' })
    expect(server.requests).toHaveLength(1)
  })

  it('follows five redirects and no more', async () => {
    const server = await fixture.server((request, response) => {
      const left = Number(request.url?.slice(1))
      if (left === 0) serveContent(request, response, content)
      else response.writeHead(302, { location: `/${left - 1}` }).end()
    })
    const origin = fixture.origin()
    const opened = await origin.open({ url: `${server.url}/5`, headers: {} })
    expect(await readAll(opened.body)).toEqual(content)
    await expect(origin.open({ url: `${server.url}/6`, headers: {} })).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('more than 5 redirects'),
    })
  })

  it.each(['file:///etc/passwd', 'http://', 'ftp://h/x'])('refuses a redirect to %s', async location => {
    const server = await fixture.server((_, response) => response.writeHead(302, { location }).end())
    await expect(fixture.origin().open({ url: server.url, headers: {} })).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      originStatus: 302,
    })
  })

  it('asks no URL that is not allowed, also not behind a redirect', async () => {
    const inner = await fixture.server((_, response) => response.end('internal'))
    const server = await fixture.server((_, response) => response.writeHead(302, { location: inner.url }).end())
    const origin = fixture.origin({ outbound: trialPolicy({ allowHosts: [new URL(server.url).host] }) })
    await expect(origin.open({ url: inner.url, headers: {} })).rejects.toMatchObject({ code: 'DENIED' })
    await expect(origin.open({ url: server.url, headers: {} })).rejects.toMatchObject({ code: 'DENIED' })
    expect(inner.requests).toHaveLength(0)
  })
})
