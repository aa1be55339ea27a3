import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, test } from 'vitest'
import { patternBytes, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { trialPolicy } from '../../../helpers/outbound.ts'
import { basicOf, createLoggedOrigin, ROBOT, WRONG_ROBOT } from '../../../helpers/own-account.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

interface StrictRegistry {
  readonly url: string
  /** What token requests carried: method, query or form, and `Authorization`. */
  readonly asked: { method: string; params: URLSearchParams; authorization: string | undefined }[]
  /** `Authorization` of content requests. */
  readonly seen: (string | undefined)[]
  accepted: string
  challenge: (realm: string) => string
  /** Of the answer to a token that is no longer accepted, when it is another one. */
  rejection: string | undefined
  issue: (request: IncomingMessage, response: ServerResponse) => unknown
}

/** A registry whose challenge and token service do what a test wants. */
async function startStrict(): Promise<StrictRegistry> {
  const content = patternBytes(1_000)
  const server = await fixture.server(async (request, response) => {
    const { authorization } = request.headers
    const url = new URL(request.url ?? '', server.url)
    if (url.pathname === '/token') {
      const params = request.method === 'POST' ? new URLSearchParams(await text(request)) : url.searchParams
      registry.asked.push({ method: request.method ?? '', params, authorization })
      return registry.issue(request, response)
    }
    registry.seen.push(authorization)
    if (authorization === registry.accepted) return serveContent(request, response, content)
    const challenge = authorization === undefined ? undefined : registry.rejection
    return response.writeHead(401, { 'www-authenticate': challenge ?? registry.challenge(`${server.url}/token`) }).end()
  })
  const registry: StrictRegistry = {
    url: server.url,
    asked: [],
    seen: [],
    accepted: 'Bearer t1',
    challenge: realm => `Bearer realm="${realm}",service="s",scope="repository:a:pull repository:b:pull"`,
    rejection: undefined,
    issue: (_, response) => response.end('{"token":"t1"}'),
  }
  return registry
}

const BLOB = '/v2/a/blobs/sha256:00'

describe('a token service', () => {
  test('is asked by GET for several scopes as several parameters, with Basic', async () => {
    const registry = await startStrict()
    await createLoggedOrigin().read(registry.url + BLOB, ROBOT)
    expect(registry.asked.map(({ method, params, authorization }) => [method, [...params], authorization])).toEqual([
      [
        'GET',
        [
          ['service', 's'],
          ['scope', 'repository:a:pull'],
          ['scope', 'repository:b:pull'],
        ],
        basicOf(ROBOT),
      ],
    ])
    expect(registry.seen).toEqual([undefined, 'Bearer t1'])
  })

  test('is asked by POST with a form that holds the account, and no Basic', async () => {
    const registry = await startStrict()
    registry.issue = (request, response) =>
      request.method === 'GET' ? response.writeHead(401).end() : response.end('{"access_token":"t1"}')
    await createLoggedOrigin().read(registry.url + BLOB, ROBOT)
    const posted = registry.asked[1]
    expect(posted).toMatchObject({ method: 'POST', authorization: undefined })
    expect(Object.fromEntries(posted?.params ?? [])).toEqual({
      grant_type: 'password',
      access_type: 'offline',
      client_id: 'damselfly',
      service: 's',
      scope: 'repository:a:pull repository:b:pull',
      ...ROBOT,
    })
  })

  test('is asked by POST for an identity token', async () => {
    const registry = await startStrict()
    registry.issue = (_, response) => response.end('{"access_token":"t1","refresh_token":"ignored"}')
    await createLoggedOrigin().read(registry.url + BLOB, { identityToken: 'refresh me' })
    expect(registry.asked.map(({ method }) => method)).toEqual(['POST'])
    expect(Object.fromEntries(registry.asked[0]?.params ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'refresh me',
      client_id: 'damselfly',
      service: 's',
      scope: 'repository:a:pull repository:b:pull',
    })
  })

  test('is asked once for many at the same time', async () => {
    const registry = await startStrict()
    const { read } = createLoggedOrigin()
    await Promise.all(Array.from({ length: 5 }, () => read(registry.url + BLOB, ROBOT)))
    expect(registry.asked).toHaveLength(1)
  })

  test('comes before Basic when a registry offers both', async () => {
    const registry = await startStrict()
    registry.challenge = realm => `Basic realm="x", Bearer realm="${realm}",service="s"`
    await createLoggedOrigin().read(registry.url + BLOB, ROBOT)
    expect(registry.seen).toEqual([undefined, 'Bearer t1'])
  })

  test('is asked once more when a cached token is refused, and then its answer is final', async () => {
    const registry = await startStrict()
    const { read } = createLoggedOrigin()
    await read(registry.url + BLOB, ROBOT)
    registry.accepted = 'Bearer t2'
    registry.issue = (_, response) => response.end('{"token":"t2"}')
    await read(registry.url + BLOB, ROBOT)
    expect(registry.asked).toHaveLength(2)
    registry.accepted = 'Bearer t3'
    await expect(read(registry.url + BLOB, ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(registry.asked).toHaveLength(3)
    expect(registry.seen.slice(2)).toEqual(['Bearer t1', 'Bearer t2', 'Bearer t2', 'Bearer t2'])
  })

  test.each([
    ['with an account', ROBOT],
    ['anonymously', undefined],
  ])(
    'is asked again when the registry answers an expired token with Basic, as Harbor does (%s)',
    async (_, account) => {
      const registry = await startStrict()
      const { read } = createLoggedOrigin()
      await read(registry.url + BLOB, account)
      registry.rejection = 'Basic realm="harbor"'
      registry.accepted = 'Bearer t2'
      registry.issue = (_request, response) => response.end('{"token":"t2"}')
      await read(registry.url + BLOB, account)
      expect(registry.seen).toEqual([undefined, 'Bearer t1', 'Bearer t1', 'Bearer t2'])
    },
  )

  test('may lie on another host, which gets the account for it alone', async () => {
    const tokens = await fixture.server((_, response) => response.end('{"token":"t1"}'))
    const registry = await startStrict()
    registry.challenge = () => `Bearer realm="${tokens.url}/t"`
    await createLoggedOrigin().read(registry.url + BLOB, ROBOT)
    expect(tokens.requests.map(({ headers }) => headers.authorization)).toEqual([basicOf(ROBOT)])
    expect(registry.seen).toEqual([undefined, 'Bearer t1'])
  })

  test('does not take the account elsewhere by a redirect', async () => {
    const elsewhere = await fixture.server((_, response) => response.end('{"token":"t1"}'))
    const registry = await startStrict()
    registry.issue = (_, response) => response.writeHead(307, { location: `${elsewhere.url}/token` }).end()
    await expect(createLoggedOrigin().read(registry.url + BLOB, ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(elsewhere.requests).toEqual([])
  })

  test('is asked only where the outbound policy allows it', async () => {
    const tokens = await fixture.server((_, response) => response.end('{"token":"t1"}'))
    const registry = await startStrict()
    registry.challenge = () => `Bearer realm="${tokens.url}/t"`
    const outbound = trialPolicy({ denyHosts: [new URL(tokens.url).host] })
    const { read } = createLoggedOrigin({ init: { outbound } })
    await expect(read(registry.url + BLOB, ROBOT)).rejects.toMatchObject({ code: 'DENIED' })
    registry.challenge = () => 'Bearer realm="http://169.254.169.254/latest/meta-data"'
    await expect(read(`${registry.url}/v2/b/blobs/x`, ROBOT)).rejects.toMatchObject({
      detail: expect.stringContaining('169.254.169.254 is the metadata service of a cloud'),
    })
    expect(tokens.requests).toEqual([])
  })
})

describe('secrets', () => {
  const SECRETS = [
    ROBOT.password,
    basicOf(ROBOT).slice(6),
    encodeURIComponent(ROBOT.password),
    'planted-refresh',
    'planted-token',
  ]

  /** All that an error says, also in its causes and in what it tells of the origin's answer. */
  function everythingIn(error: unknown): string {
    if (!(error instanceof Error)) return String(error)
    const { originHeaders, originBody } = error as { originHeaders?: object; originBody?: Uint8Array }
    const told = [
      error.stack,
      JSON.stringify(error),
      JSON.stringify(originHeaders ?? {}),
      Buffer.from(originBody ?? []),
    ]
    return `${told.join('\n')}${error.cause === undefined ? '' : everythingIn(error.cause)}`
  }

  test('are in no log line and no error', async () => {
    const { read, origin, log } = createLoggedOrigin()
    const errors: unknown[] = []
    const accounts = [ROBOT, WRONG_ROBOT, { identityToken: 'planted-refresh' }]
    /** A service that repeats in its answer what it was sent. */
    const echo = (status: number) => async (request: IncomingMessage, response: ServerResponse) => {
      const body = `${request.headers.authorization} ${await text(request)}`
      return response.writeHead(status, { 'x-echo': request.headers.authorization ?? '' }).end(body)
    }
    const issues: StrictRegistry['issue'][] = [
      (_, response) => response.end('{"token":"planted-token"}'),
      ...[200, 400, 401, 429, 500].map(echo),
      (_, response) => response.destroy(),
    ]
    for (const issue of issues) {
      for (const accepted of ['Bearer planted-token', 'nothing']) {
        const registry = await startStrict()
        registry.accepted = accepted
        registry.issue = issue
        for (const credentials of accounts) {
          await read(registry.url + BLOB, credentials).catch(error => errors.push(error))
          await origin.check({ url: registry.url + BLOB, headers: {}, credentials }).catch(error => errors.push(error))
        }
        registry.challenge = () => 'Basic realm="x"'
        await read(`${registry.url}/v2/c/blobs/x`, ROBOT).catch(error => errors.push(error))
      }
    }
    expect(errors.length).toBeGreaterThan(50)
    expect(log.text().length).toBeGreaterThan(1_000)
    const told = `${log.text()}${errors.map(everythingIn).join('\n')}`
    expect(SECRETS.filter(secret => told.includes(secret))).toEqual([])
  })
})
