import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { systemClock } from '../../../../lib/clock.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { createUpstreamFetcher, type UpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../../../lib/origin/http-origin.ts'
import { createHttpTransport } from '../../../../lib/origin/http-transport.ts'
import { createRegistryAuth } from '../../../../lib/origin/registry-auth.ts'
import type { TestHttpServer } from '../../../helpers/http-server.ts'
import { patternBytes, readAll, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'

const fixture = createOriginFixture()
const fetchers: UpstreamFetcher[] = []
afterEach(async () => {
  for (const fetcher of fetchers.splice(0)) await fetcher.stop()
  await fixture.close()
})

const content = patternBytes(10_000)
const BLOB = '/v2/library/nginx/blobs/sha256:00'
const OTHER = '/v2/library/redis/blobs/sha256:00'

interface Registry extends TestHttpServer {
  /** Answers a token request. */
  issue: (request: IncomingMessage, response: ServerResponse) => void
  /** Tokens that are accepted. */
  accepted: Set<string>
  /** Realm of the challenge. */
  realm: string
  readonly tokenRequests: () => string[]
  readonly contentRequests: () => (string | undefined)[]
}

/** A registry that wants a token, with its token service on the same server. */
async function startRegistry(): Promise<Registry> {
  const server = await fixture.server((request, response) => {
    if (request.url?.startsWith('/token')) return registry.issue(request, response)
    const token = request.headers.authorization?.replace('Bearer ', '')
    if (token !== undefined && registry.accepted.has(token)) return serveContent(request, response, content)
    const repository = request.url?.split('/').slice(2, 4).join('/')
    const challenge = `Bearer realm="${registry.realm}",service="reg",scope="repository:${repository}:pull"`
    return response.writeHead(401, { 'www-authenticate': challenge }).end('{"errors":[{"code":"UNAUTHORIZED"}]}')
  })
  const registry: Registry = Object.assign(server, {
    issue: (_: IncomingMessage, response: ServerResponse) => void response.end('{"token":"t1"}'),
    accepted: new Set(['t1']),
    realm: `${server.url}/token`,
    tokenRequests: () => server.requests.map(({ path }) => path).filter(path => path.startsWith('/token')),
    contentRequests: () =>
      server.requests.filter(({ path }) => path.startsWith('/v2')).map(({ headers }) => headers.authorization),
  })
  return registry
}

function originWith(clock: Clock = systemClock) {
  const logger = silentLogger()
  const fetcher = createUpstreamFetcher({ logger, clock }, { outbound: trialPolicy() })
  fetchers.push(fetcher)
  return createHttpOrigin({ fetcher })
}

const read = async (origin: ReturnType<typeof originWith>, url: string, headers = {}): Promise<Buffer> =>
  readAll((await origin.open({ url, headers })).body)

describe('the anonymous token flow', () => {
  it.each(['token', 'access_token'])('gets a token (%s), uses it, and uses it again without a new 401', async name => {
    const registry = await startRegistry()
    registry.issue = (_, response) => void response.end(JSON.stringify({ [name]: 't1', expires_in: 300 }))
    const origin = originWith()
    expect(await read(origin, registry.url + BLOB, { Cookie: 'mine' })).toEqual(content)
    expect(await read(origin, registry.url + BLOB)).toEqual(content)
    expect(registry.tokenRequests()).toEqual(['/token?service=reg&scope=repository%3Alibrary%2Fnginx%3Apull'])
    expect(registry.contentRequests()).toEqual([undefined, 'Bearer t1', 'Bearer t1'])
    const tokenRequest = registry.requests.find(({ path }) => path.startsWith('/token'))
    expect(tokenRequest?.headers).not.toHaveProperty('authorization')
    expect(tokenRequest?.headers).not.toHaveProperty('cookie')
  })

  it.each([
    ['as told', '"expires_in":300,', 300, 289, 291],
    ['a minute if not told', '', 60, 53, 55],
    ['for a day at most', '"expires_in":1e308,', 86_400, 86_389, 86_391],
  ])('keeps a token %s, less a margin', async (_, told, __, goodS, staleS) => {
    let nowMs = 0
    const registry = await startRegistry()
    registry.issue = (_, response) => void response.end(`{${told}"token":"t1"}`)
    const origin = originWith({ ...systemClock, now: () => nowMs })
    await read(origin, registry.url + BLOB)
    nowMs = goodS * 1_000
    await read(origin, registry.url + BLOB)
    expect(registry.tokenRequests()).toHaveLength(1)
    nowMs = staleS * 1_000
    await read(origin, registry.url + BLOB)
    expect(registry.tokenRequests()).toHaveLength(2)
  })

  it('asks for one token when many want the same, and for another one for another scope', async () => {
    const registry = await startRegistry()
    const waiting: ServerResponse[] = []
    registry.issue = (_, response) => void waiting.push(response)
    const origin = originWith()
    const reads = [BLOB, BLOB, BLOB, OTHER].map(path => read(origin, registry.url + path))
    await expect.poll(() => registry.contentRequests().length).toBe(4)
    await expect.poll(() => waiting.length).toBe(2)
    for (const response of waiting) response.end('{"token":"t1"}')
    for (const bytes of await Promise.all(reads)) expect(bytes).toEqual(content)
    expect(registry.tokenRequests()).toHaveLength(2)
  })

  it('leaves the others their token when one stops waiting', async () => {
    const registry = await startRegistry()
    const waiting: ServerResponse[] = []
    registry.issue = (_, response) => void waiting.push(response)
    const origin = originWith()
    const abort = new AbortController()
    const leaving = origin.open({ url: registry.url + BLOB, headers: {} }, { signal: abort.signal })
    await expect.poll(() => waiting.length).toBe(1)
    const staying = read(origin, registry.url + BLOB)
    await expect.poll(() => registry.contentRequests().length).toBe(2)
    abort.abort(new Error('left'))
    await expect(leaving).rejects.toThrow('left')
    waiting[0]?.end('{"token":"t1"}')
    expect(await staying).toEqual(content)
    expect(registry.tokenRequests()).toHaveLength(1)
  })

  it('gets a new token when a cached one is refused, and then takes no for an answer', async () => {
    const registry = await startRegistry()
    const origin = originWith()
    await read(origin, registry.url + BLOB)
    registry.accepted = new Set(['t2'])
    registry.issue = (_, response) => void response.end('{"token":"t2"}')
    expect(await read(origin, registry.url + BLOB)).toEqual(content)
    registry.accepted = new Set()
    const before = registry.tokenRequests().length
    await expect(read(origin, registry.url + BLOB)).rejects.toMatchObject({ code: 'UNAUTHORIZED', originStatus: 401 })
    expect(registry.tokenRequests()).toHaveLength(before + 1)
  })

  it('takes `Basic Og==` for no credentials', async () => {
    const registry = await startRegistry()
    expect(await read(originWith(), registry.url + BLOB, { Authorization: 'Basic Og==' })).toEqual(content)
    expect(registry.contentRequests()).toEqual([undefined, 'Bearer t1'])
  })

  it('hands a 401 back to a requester with credentials, which no token service ever sees', async () => {
    const registry = await startRegistry()
    const failure = await read(originWith(), registry.url + BLOB, { authorization: 'Basic dTpw' }).catch(error => error)
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', originStatus: 401 })
    expect(failure.originHeaders['www-authenticate']).toContain('Bearer realm=')
    expect(Buffer.from(failure.originBody).toString()).toContain('UNAUTHORIZED')
    expect(registry.tokenRequests()).toEqual([])
  })

  it("does not use one requester's anonymous token for another one's credentials", async () => {
    const registry = await startRegistry()
    const origin = originWith()
    await read(origin, registry.url + BLOB)
    await expect(read(origin, registry.url + BLOB, { authorization: 'Bearer bad' })).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
    })
    expect(registry.contentRequests().at(-1)).toBe('Bearer bad')
  })

  it.each(['nonsense', 'ftp://127.0.0.1/token', 'file:///etc/passwd'])('does not go to the realm %s', async realm => {
    const registry = await startRegistry()
    registry.realm = realm
    const failure = await read(originWith(), registry.url + BLOB).catch(error => error)
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED' })
    expect(Buffer.from(failure.originBody).toString()).toContain('UNAUTHORIZED')
  })

  it.each([
    [401, '{}', 'UNAUTHORIZED', 401],
    [403, '{}', 'UNAUTHORIZED', 401],
    [200, 'not json', 'UNAUTHORIZED', 401],
    [200, '{"token":"a\\nb"}', 'UNAUTHORIZED', 401],
    [200, '{"token":""}', 'UNAUTHORIZED', 401],
    [200, '{"token":5}', 'UNAUTHORIZED', 401],
    [429, 'slow down', 'TOOMANYREQUESTS', 429],
    [503, 'maintenance', 'ORIGIN_FAILED', 503],
  ])('a token service that answers %i %s makes it %s', async (status, body, code, originStatus) => {
    const registry = await startRegistry()
    registry.issue = (_, response) => void response.writeHead(status).end(body)
    const origin = originWith()
    const url = registry.url + BLOB
    await expect(read(origin, url)).rejects.toMatchObject({ code, originStatus })
    await expect(origin.check({ url, headers: {} })).rejects.toMatchObject({ code, originStatus })
  })

  it('names the token service when it cannot be reached', async () => {
    const registry = await startRegistry()
    const gone = await fixture.server(() => {})
    await gone.close()
    registry.realm = `${gone.url}/token`
    await expect(read(originWith(), registry.url + BLOB)).rejects.toMatchObject({
      code: 'ORIGIN_UNREACHABLE',
      detail: expect.stringContaining(new URL(gone.url).host),
    })
  })

  it('lets a requester check and read what everybody may', async () => {
    const registry = await startRegistry()
    const origin = originWith()
    const info = await origin.check({ url: registry.url + BLOB, headers: {} })
    expect(info).toEqual({ sizeBytes: content.length, validator: '"v1"' })
  })
})

describe('registry auth on its own', () => {
  it('does not let an https registry send it to an http realm', async () => {
    const tokens = await fixture.server((_, response) => response.end('{"token":"t1"}'))
    const transport = createHttpTransport({}, { outbound: trialPolicy() })
    const auth = createRegistryAuth({ transport, clock: systemClock, logger: silentLogger(), checkUrl() {} })
    const header = `Bearer realm="${tokens.url}/token"`
    expect(await auth.answer(new URL(`https://registry.example${BLOB}`), header)).toEqual({ kind: 'none' })
    expect(tokens.requests).toHaveLength(0)
    expect(await auth.answer(new URL(`http://registry.example${BLOB}`), header)).toMatchObject({ value: 'Bearer t1' })
    expect(auth.known(new URL(`http://registry.example${OTHER}`))).toBeUndefined()
    expect(auth.known(new URL(`http://other.example${BLOB}`))).toBeUndefined()
    expect(auth.known(new URL('http://registry.example/v2/library/nginx/manifests/1'))).toBe('Bearer t1')
    await transport.stop()
  })

  it('answers Basic and malformed challenges with nothing', async () => {
    const transport = createHttpTransport({}, { outbound: trialPolicy() })
    const auth = createRegistryAuth({ transport, clock: systemClock, logger: silentLogger(), checkUrl() {} })
    for (const header of [undefined, 'Basic realm="harbor"', 'Bearer realm="x', 'Bearer service="s"']) {
      expect(await auth.answer(new URL('http://registry.example/'), header)).toEqual({ kind: 'none' })
    }
    await transport.stop()
  })
})
