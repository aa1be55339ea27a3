import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { redactUrl } from '../../../../lib/origin/http-url.ts'
import { OriginError } from '../../../../lib/origin/origin-error.ts'
import { startHttpServer } from '../../../helpers/http-server.ts'
import { readAll } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { policyOf } from '../../../helpers/outbound.ts'
import { waitFor } from '../../../helpers/wait.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

describe('failed answers', () => {
  it.each([
    [401, 'UNAUTHORIZED'],
    [403, 'DENIED'],
    [404, 'BLOB_UNKNOWN'],
    [410, 'BLOB_UNKNOWN'],
    [416, 'RANGE_INVALID'],
    [429, 'TOOMANYREQUESTS'],
    [400, 'ORIGIN_FAILED'],
    [500, 'ORIGIN_FAILED'],
    [503, 'ORIGIN_FAILED'],
  ])("makes %i the error %s, with the origin's own words", async (status, code) => {
    const body = '{"errors":[{"code":"X"}]}'
    const server = await fixture.server((_, response) =>
      response
        .writeHead(status, {
          'content-type': 'application/json',
          'retry-after': '7',
          location: '/?sig=s',
          'set-cookie': 'a=b',
        })
        .end(body),
    )
    const failure = await fixture
      .origin()
      .open({ url: `${server.url}/x?sig=secret`, headers: {} })
      .catch(error => error)
    expect(failure).toBeInstanceOf(OriginError)
    expect(failure).toMatchObject({ code, originStatus: status })
    expect(Buffer.from(failure.originBody).toString()).toBe(body)
    expect(failure.originHeaders).toEqual({ 'content-type': 'application/json', 'retry-after': '7' })
    expect(failure.detail).toBe(`${new URL(server.url).host} answered ${status}`)
    expect(Object.keys(failure)).not.toContain('originBody')
  })

  it('keeps no more than 64 KiB of an error body', async () => {
    const server = await fixture.server((_, response) => response.writeHead(500).end(Buffer.alloc(1_000_000, 'x')))
    const failure = await fixture
      .origin()
      .open({ url: server.url, headers: {} })
      .catch(error => error)
    expect(failure.originBody).toHaveLength(65_536)
  })

  it('does not wait for the bytes that an error body announces and does not send', async () => {
    const server = await fixture.server((_, response) => {
      response.writeHead(416, { 'content-length': 12_001_715 })
      response.write('{"errors":[]}')
    })
    const failure = await fixture
      .origin()
      .open({ url: server.url, headers: {} }, { start: 5 })
      .catch(error => error)
    expect(failure).toMatchObject({ code: 'RANGE_INVALID' })
    expect(Buffer.from(failure.originBody).toString()).toBe('{"errors":[]}')
  })
})

describe('an origin that cannot be reached', () => {
  it('is named with the reason, without the query', async () => {
    const server = await startHttpServer(() => {})
    await server.close()
    const failure = await fixture
      .origin()
      .open({ url: `${server.url}/x?sig=secret`, headers: {} })
      .catch(error => error)
    expect(failure).toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      detail: `${new URL(server.url).host}: connection refused`,
      cause: expect.any(Error),
    })
    expect(failure.message).not.toContain('secret')
  })

  it('may have a name that does not exist', async () => {
    const opening = fixture.origin().open({ url: 'http://does-not-exist.invalid/x', headers: {} })
    await expect(opening).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
  })

  it('may not answer in time', async () => {
    const server = await fixture.server(() => {})
    const opening = fixture.origin({ headersTimeoutMs: 100 }).open({ url: server.url, headers: {} })
    await expect(opening).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      detail: expect.stringContaining('no response in time'),
    })
  })

  it('may not speak HTTP', async () => {
    const server = createServer(socket =>
      socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-OpenSSH_9.2\r\n'),
    )
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : undefined
    const opening = fixture.origin().open({ url: `http://127.0.0.1:${port}/`, headers: {} })
    await expect(opening).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      detail: expect.stringContaining('not HTTP'),
    })
    await new Promise(resolve => server.close(resolve))
  })

  it('may lie where the policy lets nobody go, by address or by name', async () => {
    const server = await fixture.server((_, response) => response.end('metadata'))
    const outbound = policyOf({ schemes: ['http', 'https'], allowPorts: ['1-65535'] })
    const origin = fixture.origin({ outbound })
    const { port } = new URL(server.url)
    for (const scheme of ['http', 'https']) {
      for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '[::1]', '2130706433']) {
        await expect(origin.open({ url: `${scheme}://${host}:${port}/`, headers: {} })).rejects.toMatchObject({
          code: 'DENIED',
          detail: expect.stringMatching(/a loopback address.*outbound.allowNetworks/),
        })
      }
    }
    const linkLocal = fixture.origin().open({ url: 'http://169.254.169.254/latest/meta-data/', headers: {} })
    await expect(linkLocal).rejects.toMatchObject({ detail: expect.stringContaining('the metadata service') })
    expect(server.requests).toHaveLength(0)
  })

  it('is asked again once when a kept connection turns out to be closed', async () => {
    let answers = 0
    const server = await fixture.server((_, response) => {
      answers += 1
      if (answers === 2) response.socket?.destroy()
      else response.end('content')
    })
    const origin = fixture.origin()
    for (let round = 0; round < 2; round++) {
      const opened = await origin.open({ url: server.url, headers: {} })
      expect((await readAll(opened.body)).toString()).toBe('content')
    }
    expect(answers).toBe(3)
  })

  it('is left when the signal aborts', async () => {
    const server = await fixture.server(() => {})
    const abort = new AbortController()
    const origin = fixture.origin()
    const opening = origin.open({ url: server.url, headers: {} }, { signal: abort.signal })
    await waitFor(() => server.requests.length === 1, { timeoutMs: 5_000, what: 'the request' })
    abort.abort(new Error('the reader left'))
    await expect(opening).rejects.toThrow('the reader left')
    await waitFor(() => server.sockets.size === 0, { timeoutMs: 5_000, what: 'the connection to close' })
    await expect(origin.check({ url: server.url, headers: {} }, { signal: abort.signal })).rejects.toThrow(
      'the reader left',
    )
  })

  it('is not to blame for a header that is not valid', async () => {
    const opening = fixture.origin().open({ url: 'http://127.0.0.1:1/', headers: { authorization: 'Bearer a\nb' } })
    const failure = await opening.catch(error => error)
    expect(failure).toMatchObject({ code: 'REQUEST_INVALID' })
    expect(`${failure.stack} ${failure.cause}`).not.toContain('a\nb')
  })
})

describe('redactUrl', () => {
  it('drops what may be secret', () => {
    expect(redactUrl('https://user:pass@h.example:8443/a/b?sig=s#f')).toBe('https://h.example:8443/a/b')
    expect(redactUrl('not a url?secret')).toBe('(malformed URL)')
  })
})
