import { inspect } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startHttpServer, type TestHandler, type TestHttpServer } from '../../../../helpers/http-server.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'
import { patternBytes, readAll, serveContent } from '../../../../helpers/origin-content.ts'
import { createS3Fixture, type S3FixtureInit } from '../../../../helpers/s3-fixture.ts'
import { type S3Server, startS3Server } from '../../../../helpers/s3-server.ts'

const content = patternBytes(100_000)
const SECRETS = { accessKeyId: 'AKIATEST', secretAccessKey: 'the secret', sessionToken: 'the token' }

let store: S3Server
let endings: (() => Promise<void>)[] = []
beforeAll(async () => {
  store = await startS3Server('bucket')
})
afterAll(() => store[Symbol.asyncDispose]())
afterEach(async () => {
  for (const end of endings) await end()
  endings = []
})

function fixtureAt(endpoint: string, init?: S3FixtureInit) {
  const fixture = createS3Fixture(endpoint, init)
  endings.push(fixture.http.stop)
  return fixture
}

async function server(handler: TestHandler): Promise<TestHttpServer> {
  const started = await startHttpServer(handler)
  endings.push(started.close)
  return started
}

const sourceOf = (key: string, headers = {}) => ({ url: `s3://bucket/${key}`, headers })

describe('an S3 origin', () => {
  it.each([
    'plain.txt',
    'a b/c+d.txt',
    '100%/%41%2F.txt',
    'ä/日本/🦋',
    "quotes'()*!~$&,;=:@",
    'what?is#this',
    '..dots/...',
    '[brackets]{braces}|<>"`^\\',
  ])('signs and reads the key %s', async key => {
    await store.put('bucket', key, content)
    const { s3, http } = fixtureAt(store.endpoint)
    const opened = await s3.open(sourceOf(key), { start: 9 })
    expect(await readAll(opened.body)).toEqual(content.subarray(9))
    expect(await s3.check(sourceOf(key))).toEqual({ sizeBytes: content.length, validator: opened.validator })
    const located = await http.open(await s3.locate(sourceOf(key)))
    expect(await readAll(located.body)).toEqual(content)
  })

  it('sends slashes, host and query as they were signed', async () => {
    const seen = await server((request, response) => serveContent(request, response, content))
    const { s3 } = fixtureAt(seen.url, { account: SECRETS })
    const opened = await s3.open(sourceOf('/a//b/'), { end: 5 })
    expect(await readAll(opened.body)).toEqual(content.subarray(0, 5))
    expect(seen.requests[0]?.path).toMatch(/^\/bucket\/\/a\/\/b\/\?X-Amz-Security-Token=the%20token&X-Amz-Algorithm=/)
    expect(seen.requests[0]?.headers).toMatchObject({ host: new URL(seen.url).host, range: 'bytes=0-4' })
    expect(seen.requests[0]?.headers).not.toHaveProperty('authorization')
  })

  it('asks once for size and validator', async () => {
    await store.put('bucket', 'checked', content)
    const { s3 } = fixtureAt(store.endpoint)
    const seen = await server((request, response) => serveContent(request, response, content))
    await s3.check(sourceOf('checked'))
    await fixtureAt(seen.url).s3.check(sourceOf('checked'))
    expect(seen.requests.map(({ method }) => method)).toEqual(['HEAD'])
  })

  it('does not ask a store for its reasons that has no time', async () => {
    const seen = await server((_, response) => response.writeHead(429).end())
    await expect(fixtureAt(seen.url).s3.check(sourceOf('key'))).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
    expect(seen.requests).toHaveLength(1)
  })

  it('locates an object for others, until the time is over', async () => {
    await store.put('bucket', 'located', content)
    const clock = createManualClock(Date.now())
    const { s3, http } = fixtureAt(store.endpoint, { clock, locateExpiresMs: 2_000 })
    const source = { ...sourceOf('located', { 'user-agent': 'x' }), credentials: { username: 'u', password: 'p' } }
    const located = await s3.locate(source)
    expect(located).toMatchObject({ headers: { 'user-agent': 'x' }, credentials: undefined })
    expect(new URL(located.url).searchParams.get('X-Amz-Expires')).toBe('2')
    // As a supernode asks, which has no keys: HEAD is not what was signed.
    expect(await http.check(located)).toMatchObject({ sizeBytes: content.length })
    const past = fixtureAt(store.endpoint, { clock: createManualClock(Date.now() - 3_000), locateExpiresMs: 2_000 })
    const ended = http.open(await past.s3.locate(source))
    await expect(ended).rejects.toMatchObject({ code: 'DENIED' })
  })

  it('says to set the clock when it is wrong', async () => {
    const clock = createManualClock(Date.now() - 24 * 3_600_000)
    await expect(fixtureAt(store.endpoint, { clock }).s3.open(sourceOf('x'))).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      detail: expect.stringMatching(/clocks of this machine and of 127\.0\.0\.1:\d+ differ too much/),
    })
  })

  it('explains what a store refuses', async () => {
    const { s3 } = fixtureAt(store.endpoint)
    const missing = { code: 'BLOB_UNKNOWN', detail: expect.stringContaining('s3://bucket/no such key does not exist') }
    await expect(s3.open(sourceOf('no such key'))).rejects.toMatchObject(missing)
    await expect(s3.check(sourceOf('no such key'))).rejects.toMatchObject(missing)
    await expect(s3.open({ url: 's3://other/key', headers: {} })).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
      detail: expect.stringContaining('there is no bucket other at 127.0.0.1'),
    })
    await expect(fixtureAt(store.endpoint, { account: SECRETS }).s3.check(sourceOf('key'))).rejects.toMatchObject({
      code: 'UNAUTHORIZED',
      detail: expect.stringContaining('does not know the access key'),
    })
  })

  it('shows its secrets in no failure, and nobody the place that it has signed', async () => {
    const broken = await server((_, response) =>
      response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>'),
    )
    const { url } = await startAndClose()
    for (const endpoint of [broken.url, url]) {
      const { s3 } = fixtureAt(endpoint, { account: SECRETS })
      for (const asked of [s3.open(sourceOf('key')), s3.check(sourceOf('key'))]) {
        const error: Error = await asked.then(
          () => new Error('opened'),
          thrown => thrown,
        )
        const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)} ${error.stack}`
        expect(shown).not.toMatch(/the (secret|token)|the%20token|X-Amz-Signature/)
      }
    }
  })

  it('takes the payer header into the signature, and refuses headers that would break it', async () => {
    const seen = await server((request, response) => serveContent(request, response, content))
    const payer = { 'X-Amz-Request-Payer': 'requester', accept: 'text/plain' }
    const opened = await fixtureAt(seen.url).s3.open(sourceOf('key', payer))
    await readAll(opened.body)
    expect(seen.requests[0]?.path).toContain('?x-amz-request-payer=requester&X-Amz-')
    expect(seen.requests[0]?.headers).toMatchObject({ accept: 'text/plain' })
    expect(seen.requests[0]?.headers).not.toHaveProperty('x-amz-request-payer')
    const unsigned = await fixtureAt(seen.url, { account: undefined }).s3.open(sourceOf('key', payer))
    await readAll(unsigned.body)
    expect(seen.requests[1]).toMatchObject({ path: '/bucket/key', headers: { 'x-amz-request-payer': 'requester' } })

    for (const name of ['Authorization', 'x-amz-server-side-encryption-customer-key']) {
      const { s3 } = fixtureAt(seen.url)
      const source = sourceOf('key', { [name]: 'planted' })
      const refusal = { code: 'REQUEST_INVALID', detail: expect.stringMatching(/leave it out$/) }
      for (const asked of [s3.open(source), s3.check(source), s3.locate(source)]) {
        await expect(asked).rejects.toMatchObject(refusal)
      }
    }
  })
})

async function startAndClose(): Promise<TestHttpServer> {
  const started = await startHttpServer(() => {})
  await started.close()
  return started
}
