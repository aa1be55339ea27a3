import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createTokenBuckets } from '../../../../../lib/http/protection/token-buckets.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'

test('a burst passes at once, then one for each interval', () => {
  const clock = createManualClock()
  const buckets = createTokenBuckets(clock, { perSecond: 10, burst: 3 }, 100)
  expect(Array.from({ length: 5 }, () => buckets.take('a'))).toEqual([0, 0, 0, 100, 100])
  clock.advance(99)
  expect(buckets.waitMs('a')).toBe(1)
  clock.advance(1)
  expect([buckets.waitMs('a'), buckets.take('a'), buckets.take('a')]).toEqual([0, 0, 100])
  expect(buckets.take('b')).toBe(0)
})

test('a rate of 0 limits nothing and remembers nobody', () => {
  const buckets = createTokenBuckets(createManualClock(), { perSecond: 0, burst: 1 }, 100)
  expect(
    Array.from({ length: 1_000 }, (_, at) => buckets.take(`${at % 2}`) + buckets.waitMs('0')).every(ms => ms === 0),
  ).toBe(true)
  expect(buckets.size).toBe(0)
})

test('many names fill the table and then share one bucket; they free nobody from what he has used up', () => {
  const clock = createManualClock()
  const buckets = createTokenBuckets(clock, { perSecond: 1, burst: 2 }, 100)
  const used = () => [buckets.take('guesser'), buckets.take('guesser')]
  expect([...used(), buckets.take('guesser')]).toEqual([0, 0, 1000])
  const passed = Array.from({ length: 10_000 }, (_, at) => buckets.take(`name ${at}`)).filter(waitMs => waitMs === 0)
  expect(passed).toHaveLength(99 + 2)
  expect([buckets.size, buckets.take('guesser')]).toEqual([100, 1000])
})

test('buckets that are full again make room for others', () => {
  const clock = createManualClock()
  const buckets = createTokenBuckets(clock, { perSecond: 10, burst: 10 }, 1_000)
  for (let at = 0; at < 1_000; at++) buckets.take(`old ${at}`)
  clock.advance(100)
  for (let at = 0; at < 600; at++) expect(buckets.take(`new ${at}`)).toBe(0)
  expect(buckets.size).toBeLessThanOrEqual(600)
})

test('whatever the order of requests, nobody gets more than his burst and his rate', () => {
  const moves = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 0, max: 300 })), {
    maxLength: 200,
  })
  fc.assert(
    fc.property(moves, fc.integer({ min: 1, max: 5 }), (steps, burst) => {
      const clock = createManualClock()
      const buckets = createTokenBuckets(clock, { perSecond: 10, burst }, 3)
      const granted: Record<string, number> = {}
      for (const [key, pauseMs] of steps) {
        clock.advance(pauseMs)
        if (buckets.take(key) === 0) granted[key] = (granted[key] ?? 0) + 1
      }
      const most = burst + clock.now() / 100
      // One that came when the table was full may have had from the shared bucket, too.
      for (const count of Object.values(granted)) expect(count).toBeLessThanOrEqual(2 * most)
      expect(Object.values(granted).reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(5 * most)
      expect(buckets.size).toBeLessThanOrEqual(3)
    }),
  )
})
