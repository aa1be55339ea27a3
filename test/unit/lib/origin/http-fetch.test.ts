import { describe, expect, it } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import { bodyOf } from '../../../../lib/origin/bounded-body.ts'
import { createUpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import type { HttpTransport, TransportRequest } from '../../../../lib/origin/http-transport.ts'
import { readAll } from '../../../helpers/origin-content.ts'
import { policyOf } from '../../../helpers/outbound.ts'

type Answer = { status: number; headers?: Record<string, string>; body?: string }

/** A transport that answers from a table of URLs, so that https needs no certificate here. */
function tableTransport(table: Record<string, Answer>) {
  const sent: TransportRequest[] = []
  const transport: HttpTransport = {
    async send(request) {
      sent.push(request)
      const { status, headers = {}, body = '' } = table[request.url.href] ?? { status: 404 }
      return { status, headers, body: bodyOf(Buffer.from(body)) }
    },
    async stop() {},
  }
  return { transport, sent }
}

const fetchWith = (transport: HttpTransport, url: string, headers: Record<string, string> = {}) =>
  createUpstreamFetcher(
    { logger: silentLogger(), transport },
    { outbound: policyOf({ schemes: ['http', 'https'], allowPorts: ['1-65535'] }) },
  ).fetch({ url, method: 'GET', headers })

describe('fetch', () => {
  it('returns any final status with its headers and body', async () => {
    const { transport } = tableTransport({
      'https://h/x': { status: 503, headers: { 'retry-after': '3' }, body: 'busy' },
    })
    const response = await fetchWith(transport, 'https://h/x')
    expect(response).toMatchObject({ status: 503, headers: { 'retry-after': '3' } })
    expect((await readAll(response.body)).toString()).toBe('busy')
  })

  it('returns a 304 and a redirect without a Location as they are', async () => {
    const { transport } = tableTransport({ 'https://h/a': { status: 304 }, 'https://h/b': { status: 302 } })
    expect((await fetchWith(transport, 'https://h/a', { 'if-none-match': '"x"' })).status).toBe(304)
    expect((await fetchWith(transport, 'https://h/b')).status).toBe(302)
  })

  it('refuses a redirect from https to http', async () => {
    const { transport, sent } = tableTransport({ 'https://h/x': { status: 307, headers: { location: 'http://h/x' } } })
    await expect(fetchWith(transport, 'https://h/x')).rejects.toMatchObject({
      code: 'ORIGIN_FAILED',
      detail: expect.stringContaining('https to http'),
    })
    expect(sent).toHaveLength(1)
  })

  it.each(['https://h/y', 'http://h:81/y', 'http://other/y'])(
    'takes %s for another origin than http://h',
    async location => {
      const { transport, sent } = tableTransport({
        'http://h/x': { status: 302, headers: { location } },
        [location]: { status: 200 },
      })
      expect((await fetchWith(transport, 'http://h/x', { authorization: 'Basic dTpw', cookie: 'c' })).status).toBe(200)
      expect(sent[0]?.headers).toMatchObject({ authorization: 'Basic dTpw', cookie: 'c' })
      expect(sent[1]?.headers).not.toHaveProperty('authorization')
      expect(sent[1]?.headers).not.toHaveProperty('cookie')
    },
  )

  it('does not take a token along to another origin', async () => {
    const { transport, sent } = tableTransport({
      'https://h/v2/a/blobs/x': { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://auth/token"' } },
      'https://auth/token': { status: 200, body: '{"token":"t"}' },
    })
    const send: HttpTransport['send'] = async request =>
      request.headers.authorization === 'Bearer t'
        ? { status: 307, headers: { location: 'https://s3/x?sig=s' }, body: bodyOf(Buffer.alloc(0)) }
        : transport.send(request)
    expect((await fetchWith({ ...transport, send }, 'https://h/v2/a/blobs/x')).status).toBe(404)
    expect(sent.map(({ url }) => url.host)).toEqual(['h', 'auth', 's3'])
    expect(sent[2]?.headers).not.toHaveProperty('authorization')
  })

  it('logs neither credentials nor the queries of URLs', async () => {
    const { transport } = tableTransport({
      'https://h/x?sig=secret': { status: 401, headers: { 'www-authenticate': 'Bearer realm="https://a/?k=secret"' } },
    })
    const lines: unknown[] = []
    const log = (...line: unknown[]): void => void lines.push(line)
    const logger = { ...silentLogger(), debug: log, info: log, warn: log, error: log, trace: log }
    const fetcher = createUpstreamFetcher(
      { logger, transport },
      { outbound: policyOf({ schemes: ['http', 'https'], allowPorts: ['1-65535'] }) },
    )
    const headers = { cookie: 'secret' }
    await fetcher.fetch({ url: 'https://user:secret@h/x?sig=secret', method: 'GET', headers })
    expect(lines.length).toBeGreaterThan(0)
    expect(JSON.stringify(lines)).not.toContain('secret')
  })
})
