import { expect, test } from 'vitest'
import { ExpelledPeers } from '../../../../lib/p2p/expelled-peers.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

const SECOND_MS = 1_000

test('peers are expelled until then', () => {
  const clock = createManualClock()
  const expelled = new ExpelledPeers(clock)
  expelled.add([{ id: 'a', until: clock.wallTime() + SECOND_MS }])
  expect(expelled.has('a')).toBe(true)
  expect(expelled.has('b')).toBe(false)
  clock.advance(SECOND_MS)
  expect(expelled.has('a')).toBe(false)
})

test('what is said last of a peer counts', () => {
  const clock = createManualClock()
  const expelled = new ExpelledPeers(clock)
  expelled.add([{ id: 'a', until: clock.wallTime() + SECOND_MS }])
  expelled.add([{ id: 'a', until: clock.wallTime() + 2 * SECOND_MS }])
  clock.advance(SECOND_MS)
  expect(expelled.has('a')).toBe(true)
  expelled.add([{ id: 'a', until: 0 }])
  expect(expelled.has('a')).toBe(false)
})

test('when there are too many, those whose time is over soonest are forgotten', () => {
  const clock = createManualClock()
  const expelled = new ExpelledPeers(clock, 3)
  const until = (seconds: number) => clock.wallTime() + seconds * SECOND_MS
  expelled.add([
    { id: 'soon', until: until(1) },
    { id: 'never', until: Number.MAX_SAFE_INTEGER },
    { id: 'late', until: until(10) },
    { id: 'later', until: until(20) },
  ])
  expect(['soon', 'late', 'later', 'never'].filter(id => expelled.has(id))).toEqual(['late', 'later', 'never'])
})
