import { expect, test } from 'vitest'
import { SetAside } from '../../../../../lib/origin/upstreams/set-aside.ts'
import { createManualClock } from '../../../../helpers/manual-clock.ts'

const LENGTHS = { firstMs: 1_000, lastMs: 4_000 }

test('pauses grow up to the longest, and a success ends them', () => {
  const clock = createManualClock()
  const aside = new SetAside(clock, LENGTHS)
  expect(aside.admits('a')).toBe(true)
  for (const pauseMs of [1_000, 2_000, 4_000, 4_000]) {
    expect(aside.failed('a', clock.now())).toBe(pauseMs)
    clock.advance(pauseMs - 1)
    expect(aside.admits('a')).toBe(false)
    clock.advance(1)
    expect(aside.admits('a')).toBe(true)
  }
  expect(aside.admits('b')).toBe(true)
  aside.recovered('a')
  expect(aside.admits('a')).toBe(true)
  expect(aside.failed('a', clock.now())).toBe(1_000)
})

test('when a pause ends, one may try', () => {
  const clock = createManualClock()
  const aside = new SetAside(clock, LENGTHS)
  aside.failed('a', clock.now())
  clock.advance(1_000)
  expect([1, 2, 3].map(() => aside.admits('a'))).toEqual([true, false, false])
  // The one that tried has said nothing: another may.
  clock.advance(1_000)
  expect([1, 2].map(() => aside.admits('a'))).toEqual([true, false])
})

test('of tries that were under way together the first failure counts', () => {
  const clock = createManualClock()
  const aside = new SetAside(clock, LENGTHS)
  clock.advance(10)
  expect(aside.failed('a', 0)).toBe(1_000)
  expect(aside.failed('a', 5)).toBeUndefined()
  clock.advance(1_000)
  expect(aside.admits('a')).toBe(true)
})
