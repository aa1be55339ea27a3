import { describe, expect, test } from 'vitest'
import { silentLogger } from '../../../../lib/logger.ts'
import { AccessCheck, type AccessCheckInit, type OutagePolicy } from '../../../../lib/origin/access.ts'
import { createUpstreamFetcher } from '../../../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../../../lib/origin/http-origin.ts'
import { OriginError } from '../../../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import { fakeOrigin } from '../../../helpers/fake-origin.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { policyOf } from '../../../helpers/outbound.ts'

const url = 'http://origin.example/v2/a/blobs/x'
const asUser = (user: string) => ({ url, headers: { Authorization: user } })
const STRICT = { allowStale: false }
const LENIENT = { allowStale: true }

const unreachable = () => new DamselflyError('ORIGIN_UNREACHABLE', 'origin.example: connection refused')
const answered = (status: number) => new OriginError('ORIGIN_FAILED', 'failed', { originStatus: status })

function setUp(init: Partial<AccessCheckInit> = {}) {
  const origin = fakeOrigin(new Uint8Array(10))
  const good = origin.checks
  const clock = createManualClock()
  const access = new AccessCheck(
    { origin, clock },
    { lifetimeMs: 60_000, outage: 'recent', recentMs: 600_000, ...init },
  )
  const fail = (error: Error) => {
    origin.checks = async () => {
      throw error
    }
  }
  const recover = () => {
    origin.checks = good
  }
  return { origin, clock, access, fail, recover }
}

test('requests at the same time are one', async () => {
  const { origin, access } = setUp()
  const answers = await Promise.all(Array.from({ length: 10 }, () => access.check(asUser('a'), STRICT)))
  expect(answers.every(({ sizeBytes }) => sizeBytes === 10)).toBe(true)
  expect(origin.checked.length).toBe(1)
})

test('a yes holds for whoever shows the same, for a while', async () => {
  const { origin, clock, access } = setUp()
  await access.check(asUser('a'), STRICT)
  clock.advance(59_999)
  await access.check({ url, headers: { authorization: 'a' } }, STRICT)
  expect(origin.checked.length).toBe(1)

  await access.check(asUser('b'), STRICT)
  await access.check({ url, headers: {} }, STRICT)
  await access.check({ ...asUser('a'), url: `${url}y` }, STRICT)
  await access.check({ url, headers: {}, credentials: { username: 'a', password: 'b' } }, STRICT)
  await access.check({ url, headers: {}, credentials: { username: 'a', password: 'c' } }, STRICT)
  await access.check({ url, headers: {}, credentials: { identityToken: 'a' } }, STRICT)
  expect(origin.checked.length).toBe(7)

  clock.advance(1)
  await access.check(asUser('a'), STRICT)
  expect(origin.checked.length).toBe(8)
})

test('with no lifetime every yes is asked for', async () => {
  const { origin, access } = setUp({ lifetimeMs: 0 })
  await access.check(asUser('a'), STRICT)
  await access.check(asUser('a'), STRICT)
  expect(origin.checked.length).toBe(2)
})

test('a no is not remembered', async () => {
  const { access, fail, recover } = setUp()
  fail(new DamselflyError('UNAUTHORIZED'))
  await expect(access.check(asUser('a'), LENIENT)).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  recover()
  await expect(access.check(asUser('a'), LENIENT)).resolves.toMatchObject({ sizeBytes: 10 })
})

test('whoever stops waiting leaves the others their answer', async () => {
  const { origin, access } = setUp()
  const { promise, resolve } = Promise.withResolvers<{ sizeBytes: number; validator: string }>()
  origin.checks = () => promise
  const leaver = new AbortController()
  const leaving = access.check(asUser('a'), { allowStale: false, signal: leaver.signal })
  const staying = access.check(asUser('a'), STRICT)
  leaver.abort(new Error('left'))
  await expect(leaving).rejects.toThrow('left')
  resolve({ sizeBytes: 3, validator: '"v"' })
  expect(await staying).toEqual({ sizeBytes: 3, validator: '"v"' })
  expect(origin.checked.length).toBe(1)
})

describe('while the origin is down', () => {
  const outages = [
    ['unreachable', unreachable()],
    ['500', answered(500)],
    ['503', answered(503)],
  ] as const

  test.each(outages)('deny lets nobody in (%s)', async (_, error) => {
    const { clock, access, fail } = setUp({ outage: 'deny' })
    await access.check(asUser('a'), LENIENT)
    clock.advance(60_000)
    fail(error)
    await expect(access.check(asUser('a'), LENIENT)).rejects.toBe(error)
  })

  test.each(outages)('recent lets in whom the origin let in not long ago (%s)', async (_, error) => {
    const { clock, access, fail } = setUp({ outage: 'recent' })
    await access.check(asUser('a'), LENIENT)
    fail(error)
    clock.advance(599_999)
    expect(await access.check(asUser('a'), LENIENT)).toEqual({ sizeBytes: 10, validator: '"v1"' })
    await expect(access.check(asUser('b'), LENIENT)).rejects.toBe(error)
    await expect(access.check(asUser('a'), STRICT)).rejects.toBe(error)
    clock.advance(1)
    await expect(access.check(asUser('a'), LENIENT)).rejects.toBe(error)
  })

  test.each(outages)('allow lets everybody in (%s)', async (_, error) => {
    const { clock, access, fail } = setUp({ outage: 'allow' })
    await access.check(asUser('a'), LENIENT)
    clock.advance(10_000_000)
    fail(error)
    expect(await access.check(asUser('a'), LENIENT)).toEqual({ sizeBytes: 10, validator: '"v1"' })
    expect(await access.check(asUser('b'), LENIENT)).toEqual({ sizeBytes: undefined, validator: undefined })
    await expect(access.check(asUser('b'), STRICT)).rejects.toBe(error)
  })

  test('an answer during an outage does not make the yes any younger', async () => {
    const { clock, access, fail } = setUp()
    await access.check(asUser('a'), LENIENT)
    fail(unreachable())
    clock.advance(500_000)
    await access.check(asUser('a'), LENIENT)
    clock.advance(100_000)
    await expect(access.check(asUser('a'), LENIENT)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
  })

  test.each(['UNAUTHORIZED', 'DENIED', 'BLOB_UNKNOWN'] as const)(
    '%s ends what the origin allowed before',
    async code => {
      const { clock, access, fail } = setUp()
      await access.check(asUser('a'), LENIENT)
      clock.advance(60_000)
      fail(new DamselflyError(code))
      await expect(access.check(asUser('a'), LENIENT)).rejects.toMatchObject({ code })
      fail(unreachable())
      await expect(access.check(asUser('a'), LENIENT)).rejects.toMatchObject({ code: 'ORIGIN_UNREACHABLE' })
    },
  )

  test.each([
    new OriginError('TOOMANYREQUESTS', 'slow down', { originStatus: 429 }),
    answered(400),
    new OriginError('ORIGIN_FAILED', 'a redirect to a malformed URL', { originStatus: 307 }),
    new DamselflyError('REQUEST_INVALID'),
  ])('what is no outage is not taken for one: %s', async error => {
    const policies: OutagePolicy[] = ['recent', 'allow']
    for (const outage of policies) {
      const { clock, access, fail } = setUp({ outage })
      await access.check(asUser('a'), LENIENT)
      clock.advance(60_000)
      fail(error)
      await expect(access.check(asUser('a'), LENIENT)).rejects.toBe(error)
    }
  })

  test('an address that must not be asked is no outage, even under allow', async () => {
    const fetcher = createUpstreamFetcher({ logger: silentLogger() }, { outbound: policyOf({ schemes: ['http'] }) })
    const origin = createHttpOrigin({ fetcher })
    const init = { lifetimeMs: 60_000, outage: 'allow', recentMs: 600_000 } as const
    const access = new AccessCheck({ origin, clock: createManualClock() }, init)
    const source = { url: 'http://127.0.0.1:1/v2/a/blobs/x', headers: {} }
    await expect(access.check(source, LENIENT)).rejects.toMatchObject({ code: 'DENIED' })
    await fetcher.stop()
  })
})
