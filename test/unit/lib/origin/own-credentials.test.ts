import type { ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { openResumable } from '../../../../lib/origin/read-resumable.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import type { RegistryMockSettings } from '../../../../registry-mock/config.ts'
import type { RegistryMock } from '../../../../registry-mock/create-registry-mock.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { patternBytes, readAll, serveContent } from '../../../helpers/origin-content.ts'
import { createOriginFixture } from '../../../helpers/origin-fixture.ts'
import { basicOf, createLoggedOrigin, ROBOT, WRONG_ROBOT } from '../../../helpers/own-account.ts'
import { startRegistryMock } from '../../../helpers/registry-mock.ts'

const fixture = createOriginFixture()
afterEach(fixture.close)

/** A registry with one layer that only the robot may read. */
async function startRegistry(
  auth: NonNullable<RegistryMockSettings['auth']>,
  settings: RegistryMockSettings = {},
  clock?: Clock,
) {
  const registry = await startRegistryMock(
    { auth: { ...ROBOT, ...auth }, ...settings },
    clock === undefined ? {} : { clock },
  )
  const { layers } = await registry.generateImage({ repository: 'library/app', layers: 1, sizeBytes: 1_000_000 })
  const [layer] = layers
  if (layer === undefined) throw new Error('no layer')
  return { registry, layer, url: `${registry.url}/v2/library/app/blobs/${layer.digest}` }
}

const tokenRequests = ({ requests }: RegistryMock) =>
  requests.filter(({ path }) => path.startsWith('/token')).map(({ method, status }) => `${method} ${status}`)
const contentRequests = ({ requests }: RegistryMock) =>
  requests.filter(({ path }) => path.startsWith('/v2')).map(({ authorization, status }) => [authorization, status])

describe('an account at a registry with Basic', () => {
  test('is shown when the registry asks for it, and from then on at once', async () => {
    const { registry, layer, url } = await startRegistry({ mode: 'basic' })
    const { read, origin } = createLoggedOrigin()
    expect(digestOf(await read(url, ROBOT))).toBe(layer.digest)
    await read(url, ROBOT)
    await origin.check({ url, headers: {}, credentials: ROBOT })
    expect(contentRequests(registry)).toEqual([
      [false, 401],
      [true, 200],
      [true, 200],
      [true, 200],
    ])
  })

  test('counts for nobody else', async () => {
    const { registry, url } = await startRegistry({ mode: 'basic' })
    const { read } = createLoggedOrigin()
    await read(url, ROBOT)
    registry.clearRequests()
    await expect(read(url)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(read(url, { identityToken: 'x' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(read(url, WRONG_ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(contentRequests(registry)).toEqual([
      [false, 401],
      [false, 401],
      [false, 401],
      [true, 401],
    ])
    await read(url, ROBOT)
  })

  test.each([{ username: '', password: '' }, { identityToken: '' }])('that is empty is none: %o', async credentials => {
    const { registry, url } = await startRegistry({ mode: 'basic' })
    await expect(createLoggedOrigin().read(url, credentials)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(contentRequests(registry)).toEqual([[false, 401]])
  })

  test('is not remembered once it is refused', async () => {
    const { registry, url } = await startRegistry({ mode: 'basic' })
    const { read } = createLoggedOrigin()
    for (let tries = 0; tries < 3; tries++) {
      await expect(read(url, WRONG_ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED', originStatus: 401 })
    }
    expect(contentRequests(registry).map(([authorization]) => authorization)).toEqual([false, true, true, false, true])
  })

  test('is not used for a requester with an Authorization of its own, whose 401 comes back', async () => {
    for (const mode of ['basic', 'bearer'] as const) {
      const { registry, url } = await startRegistry({ mode })
      const failure = await createLoggedOrigin()
        .read(url, ROBOT, { Authorization: basicOf(WRONG_ROBOT) })
        .catch(error => error)
      expect(failure).toMatchObject({ code: 'UNAUTHORIZED', originStatus: 401 })
      expect(contentRequests(registry)).toEqual([[true, 401]])
      expect(tokenRequests(registry)).toEqual([])
    }
  })

  test('is not shown to those who do not ask', async () => {
    const { registry, url } = await startRegistry({ mode: 'none' })
    await createLoggedOrigin().read(url, ROBOT)
    expect(contentRequests(registry)).toEqual([[false, 200]])
  })

  test('stays with the origin when it redirects, even if the other one asks', async () => {
    const content = patternBytes(1_000)
    const askBasic = (response: ServerResponse) =>
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    const storage = await fixture.server((request, response) =>
      request.url === '/open' ? serveContent(request, response, content) : askBasic(response),
    )
    const registry = await fixture.server((request, response) => {
      if (request.headers.authorization !== basicOf(ROBOT)) return askBasic(response)
      return response.writeHead(307, { location: `${storage.url}${request.url}` }).end()
    })
    const { read } = createLoggedOrigin()
    expect(await read(`${registry.url}/open`, ROBOT)).toEqual(content)
    await expect(read(`${registry.url}/closed`, ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    expect(registry.requests.filter(({ headers }) => headers.authorization === basicOf(ROBOT)).length).toBe(2)
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
  })
})

describe('an account at a registry with Bearer', () => {
  test('gets a token by GET, which is used until it expires', async () => {
    const clock = createManualClock()
    const { registry, layer, url } = await startRegistry({ mode: 'bearer', tokenLifetimeSeconds: 60 }, {}, clock)
    const { read } = createLoggedOrigin({ clock })
    expect(digestOf(await read(url, ROBOT))).toBe(layer.digest)
    clock.advance(53_000)
    await read(url, ROBOT)
    expect(tokenRequests(registry)).toEqual(['GET 200'])
    clock.advance(2_000)
    await read(url, ROBOT)
    expect(tokenRequests(registry)).toEqual(['GET 200', 'GET 200'])
    expect(contentRequests(registry).at(-2)).toEqual([false, 401])
  })

  test.each([401, 403, 405])('gets a token by POST where GET answers %i', async status => {
    const { registry, layer, url } = await startRegistry({ mode: 'bearer' })
    registry.faults.set([{ match: { kind: 'token', method: 'GET' }, action: 'status', status }])
    expect(digestOf(await createLoggedOrigin().read(url, ROBOT))).toBe(layer.digest)
    expect(tokenRequests(registry)).toEqual([`GET ${status}`, 'POST 200'])
  })

  test.each([
    [401, 405, 'UNAUTHORIZED', 401],
    [403, 400, 'UNAUTHORIZED', 401],
    [405, 404, 'UNAUTHORIZED', 401],
    [401, 401, 'UNAUTHORIZED', 401],
    [401, 503, 'ORIGIN_FAILED', 503],
    [403, 429, 'TOOMANYREQUESTS', 429],
  ])('that GET refuses with %i and POST with %i has %s', async (get, post, code, originStatus) => {
    const { registry, url } = await startRegistry({ mode: 'bearer' })
    registry.faults.set([
      { match: { kind: 'token', method: 'GET' }, action: 'status', status: get },
      { match: { kind: 'token', method: 'POST' }, action: 'status', status: post },
    ])
    await expect(createLoggedOrigin().read(url, ROBOT)).rejects.toMatchObject({ code, originStatus })
    expect(tokenRequests(registry)).toEqual([`GET ${get}`, `POST ${post}`])
  })

  test.each([400, 429, 503])('is not tried by POST when GET answers %i', async status => {
    const { registry, url } = await startRegistry({ mode: 'bearer' })
    registry.faults.set([{ match: { kind: 'token', method: 'GET' }, action: 'status', status }])
    await expect(createLoggedOrigin().read(url, ROBOT)).rejects.toMatchObject({
      originStatus: status === 400 ? 401 : status,
    })
    expect(tokenRequests(registry)).toEqual([`GET ${status}`])
  })

  test('shares no token with another account or with anybody', async () => {
    const { registry, url } = await startRegistry({ mode: 'bearer' })
    const { read } = createLoggedOrigin()
    await read(url, ROBOT)
    registry.clearRequests()
    await expect(read(url)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(read(url, WRONG_ROBOT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    await expect(read(url, { identityToken: 'x' })).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    // None of them ever got to send the robot's token.
    expect(contentRequests(registry).filter(([, status]) => status === 200)).toEqual([])
    // Nor do they make it worse for the robot.
    registry.clearRequests()
    await read(url, ROBOT)
    expect(tokenRequests(registry)).toEqual([])
  })

  test('does not get the token that anybody gets', async () => {
    const { registry, url } = await startRegistry({ mode: 'bearer', anonymousPull: true })
    const { read } = createLoggedOrigin()
    await read(url)
    await read(url, ROBOT)
    const asked = registry.requests.filter(({ path }) => path.startsWith('/token'))
    expect(asked.map(({ authorization }) => authorization)).toEqual([false, true])
  })

  test('goes on with a new token when the transfer breaks off after the old one has expired', async () => {
    const clock = createManualClock()
    const { registry, layer, url } = await startRegistry({ mode: 'bearer', tokenLifetimeSeconds: 60 }, {}, clock)
    registry.faults.set([{ match: { kind: 'blob', method: 'GET' }, action: 'cut', afterBytes: 400_000, times: 2 }])
    const { origin, log } = createLoggedOrigin({ clock })
    const components = { origin, logger: log.logger, account: () => {}, wait: async () => clock.advance(120_000) }
    const source = { url, headers: {}, credentials: ROBOT }
    const { body } = await openResumable(components, source, { start: 0, signal: new AbortController().signal })
    expect(digestOf(await readAll(body))).toBe(layer.digest)
    expect(tokenRequests(registry)).toEqual(['GET 200', 'GET 200', 'GET 200'])
    expect(registry.stats.snapshot().blobs[layer.digest]?.ranges.map(({ start }) => start)).toEqual([
      0, 400_000, 800_000,
    ])
  })

  test('goes on likewise in real time, with tokens that live two seconds and a slow registry', async () => {
    const settings = { bandwidthBytesPerSecond: 300_000 }
    const { registry, layer, url } = await startRegistry({ mode: 'bearer', tokenLifetimeSeconds: 2 }, settings)
    registry.faults.set([{ match: { kind: 'blob', method: 'GET' }, action: 'cut', afterBytes: 700_000, times: 1 }])
    const { origin, log } = createLoggedOrigin()
    const pause = (delayMs: number, signal: AbortSignal) => wait(delayMs, undefined, { signal })
    const components = { origin, logger: log.logger, account: () => {}, wait: pause }
    const source = { url, headers: {}, credentials: ROBOT }
    const { body } = await openResumable(components, source, { start: 0, signal: new AbortController().signal })
    expect(digestOf(await readAll(body))).toBe(layer.digest)
    expect(tokenRequests(registry)).toEqual(['GET 200', 'GET 200'])
  })
})
