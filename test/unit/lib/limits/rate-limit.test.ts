import { describe, expect, test } from 'vitest'
import type { Clock } from '../../../../lib/clock.ts'
import { createRateLimit, type RateLimit } from '../../../../lib/limits/rate-limit.ts'
import { createManualClock, type ManualClock } from '../../../helpers/manual-clock.ts'

const NEVER = new AbortController().signal
/** Lets everything that can go on without the clock go on. */
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

interface Taker {
  bytes: number
  /** Takes no more. */
  stop(): Promise<void>
}

/** Moves bytes as fast as the limit lets it. */
function startTaking(limit: RateLimit, maxBytes = 1024 * 1024): Taker {
  const end = new AbortController()
  const taker = {
    bytes: 0,
    async stop() {
      end.abort()
      await done
    },
  }
  const done = (async () => {
    for (let granted = 1; granted > 0; taker.bytes += granted) granted = await limit.take(maxBytes, end.signal)
  })()
  return taker
}

async function pass(clock: ManualClock, durationMs: number, stepMs = 1): Promise<void> {
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += stepMs) {
    clock.advance(stepMs)
    await settled()
  }
}

const bytesOf = (takers: readonly Taker[]) => takers.reduce((sum, taker) => sum + taker.bytes, 0)
const stopAll = (takers: readonly Taker[]) => Promise.all(takers.map(taker => taker.stop()))

describe('a rate limit', () => {
  test.for([
    [100, 1],
    [50_000, 3],
    [1_000_000, 1],
    [1_000_000, 40],
    [123_456_789, 7],
    [5_000_000_000, 2],
  ] as const)('lets %i B/s through, within 1 %%, with %i who wait', async ([bytesPerSecond, count]) => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, bytesPerSecond)
    const takers = Array.from({ length: count }, () => startTaking(limit))
    const durationMs = Math.max(2_000, 400_000 / (bytesPerSecond / 1024))
    await pass(clock, 200, 200)
    const before = bytesOf(takers)
    await pass(clock, durationMs, Math.max(1, durationMs / 2_000))
    const perSecond = ((bytesOf(takers) - before) / durationMs) * 1000
    await stopAll(takers)
    expect(Math.abs(perSecond / bytesPerSecond - 1)).toBeLessThan(0.01)
  })

  test('never runs more than 40 ms ahead', async () => {
    const clock = createManualClock()
    const taker = startTaking(createRateLimit({ clock }, 1_000_000))
    for (let elapsedMs = 0; elapsedMs < 500; elapsedMs++) {
      expect(taker.bytes).toBeLessThanOrEqual((elapsedMs + 40) * 1_000)
      await pass(clock, 1)
    }
    await taker.stop()
  })

  test('saves up 20 ms while nobody asks, and no more', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 1_000_000)
    const first = startTaking(limit)
    await pass(clock, 100)
    await first.stop()
    clock.advance(60_000)
    const second = startTaking(limit)
    await settled()
    await second.stop()
    expect(second.bytes).toBe(40_000)
  })

  test('loses nothing to timers that are late', async () => {
    const manual = createManualClock()
    const late: Clock = {
      ...manual,
      after: (delayMs, callback) =>
        manual.after((Math.floor((manual.now() + delayMs) / 90) + 1) * 90 - manual.now(), callback),
    }
    const takers = [startTaking(createRateLimit({ clock: late }, 1_000_000))]
    await pass(manual, 9_000)
    await stopAll(takers)
    expect(bytesOf(takers) / 9_000_000).toBeGreaterThan(0.99)
    expect(bytesOf(takers) / 9_000_000).toBeLessThan(1.01)
  })

  test('lets whoever comes back late and alone take at once what has passed by', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 1_000_000)
    for (const bytes of [20_000, 20_000]) expect(await limit.take(1_000_000, NEVER)).toBe(bytes)
    const waits = limit.take(1_000_000, NEVER)
    clock.advance(20)
    expect(await waits).toBe(20_000)
    clock.advance(80)
    expect(await limit.take(1_000_000, NEVER)).toBe(60_000)
  })

  test('gives those who wait equal shares, however much they want at a time', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 1_000_000)
    const takers = [20_000, 1_000_000, 50_000].map(maxBytes => startTaking(limit, maxBytes))
    await pass(clock, 3_000)
    await stopAll(takers)
    const shares = takers.map(taker => taker.bytes)
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(20_000)
  })

  test('serves in the order of arrival', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 1_000)
    const order: number[] = []
    const all = Array.from({ length: 50 }, async (_, index) => {
      await limit.take(10 + index, NEVER)
      order.push(index)
    })
    await pass(clock, 3_000)
    await Promise.all(all)
    expect(order).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })

  test('leaves what is given up to the next', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 1_000)
    expect(await limit.take(1_020, NEVER)).toBe(1_020)
    const leaving = new AbortController()
    const abandoned = limit.take(1_000_000, leaving.signal)
    const next = limit.take(10, NEVER)
    leaving.abort()
    expect(await abandoned).toBe(0)
    expect(await limit.take(1, leaving.signal)).toBe(0)
    clock.advance(1_000)
    expect(await next).toBe(10)
  })

  test('tells how long somebody waited', async () => {
    const clock = createManualClock()
    let waitedMs = 0
    const limit = createRateLimit({ clock, waited: durationMs => (waitedMs += durationMs) }, 1_000)
    await limit.take(520, NEVER)
    const second = limit.take(1, NEVER)
    await pass(clock, 1_000)
    await second
    expect(waitedMs).toBe(500)
  })

  test('of 0 is none', async () => {
    const limit = createRateLimit({ clock: createManualClock() }, 0)
    expect(limit.open).toBe(true)
    expect(await limit.take(Number.MAX_SAFE_INTEGER, NEVER)).toBe(Number.MAX_SAFE_INTEGER)
  })
})

describe('another rate', () => {
  test.for([
    [1_000_000, 4_000_000],
    [4_000_000, 1_000_000],
    [1_000, 100_000_000],
    [100_000_000, 10_000],
    [0, 1_000_000],
  ] as const)('counts from the moment on: %i to %i B/s', async ([from, to]) => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, from)
    const takers = from === 0 ? [] : [startTaking(limit), startTaking(limit)]
    await pass(clock, 500)
    limit.change(to)
    expect(limit.bytesPerSecond).toBe(to)
    if (takers.length === 0) takers.push(startTaking(limit))
    await pass(clock, 200, 200)
    const before = bytesOf(takers)
    await pass(clock, 20_000, 10)
    const ratio = (bytesOf(takers) - before) / (to * 20)
    await stopAll(takers)
    expect(Math.abs(ratio - 1)).toBeLessThan(0.01)
  })

  test('of 0 sets those free who wait', async () => {
    const clock = createManualClock()
    const limit = createRateLimit({ clock }, 10)
    await limit.take(1_000_000, NEVER)
    const waiting = [limit.take(5_000_000, NEVER), limit.take(7, NEVER)]
    limit.change(0)
    expect(await Promise.all(waiting)).toEqual([5_000_000, 7])
    expect(limit.open).toBe(true)
  })
})
