import { beforeEach, expect, test } from 'vitest'
import { type StallFacts, StallWatch } from '../../../dfget/peer/task/stall-watch.ts'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts'

const NOBODY: StallFacts = {
  background: false,
  canGet: false,
  granted: false,
  quietMs: Number.POSITIVE_INFINITY,
  mapped: false,
  supernodeSilentMs: Number.POSITIVE_INFINITY,
}
/** The supernode has the block, is alive, and nobody has given it to us. */
const HELD_UP: StallFacts = { ...NOBODY, mapped: true, supernodeSilentMs: 0 }
/** The supernode is alive and waits for the origin itself. */
const ORIGIN_SLOW: StallFacts = { ...NOBODY, supernodeSilentMs: 0 }
/** The same, and it has not been heard for a while. */
const LEFT_ALONE: StallFacts = { ...HELD_UP, supernodeSilentMs: 1_600 }
/** Somebody has the block, and sends. */
const COMING: StallFacts = { ...HELD_UP, canGet: true, quietMs: 0 }
/** Somebody says that he has the block, and nobody sends anything. */
const CLAIMED: StallFacts = { ...COMING, quietMs: 60_000 }

let clock: ManualClock
let watch: StallWatch

beforeEach(() => {
  clock = createManualClock()
  watch = new StallWatch(clock)
})

/** The verdicts of looks at every 100 ms. */
function verdicts(forMs: number, facts: StallFacts): string[] {
  const seen = []
  for (let at = 0; at < forMs; at += 100) {
    seen.push(watch.judge(0, facts))
    clock.advance(100)
  }
  return seen
}

test('without a supernode or a holder the origin is read at once', () => {
  expect(watch.judge(0, NOBODY)).toBe('only-origin')
})

test('nothing else may come before a block that a reader has waited for during 2 s', () => {
  watch.judge(0, NOBODY)
  clock.advance(2_000)
  watch.judge(0, NOBODY)
  expect(watch.hurried).toBe(false)
  clock.advance(1)
  expect(watch.hurried).toBe(true)
  watch.judge(1, NOBODY)
  expect(watch.hurried).toBe(false)
})

test('after the supernode gave up, the origin is read at once; until the swarm is joined anew', () => {
  watch.supernodeGaveUp()
  expect(watch.judge(0, HELD_UP)).toBe('only-origin')
  watch.progress()
  expect(watch.judge(0, HELD_UP)).toBe('only-origin')
  expect(watch.judge(0, COMING)).toBe('wait')
  watch.joined()
  expect(watch.judge(0, HELD_UP)).toBe('wait')
})

test.each([
  ['2 s, when the supernode does not answer', LEFT_ALONE, 2_000],
  ['4 s, when the supernode lives and has the block', HELD_UP, 4_000],
])('the supernode is asked every 300 ms, and the origin is read when nothing moves for %s', (_, facts, patienceMs) => {
  const seen = verdicts(patienceMs + 200, facts)
  const asked = seen.flatMap((verdict, at) => (verdict === 'ask' ? [at * 100] : []))
  expect(asked).toEqual(Array.from({ length: Math.floor(patienceMs / 300) }, (_, at) => 300 * (at + 1)))
  expect(seen.indexOf('origin')).toBe(patienceMs / 100 + 1)
})

test('the supernode is asked after 1 s, too, when who has the block sends nothing', () => {
  const seen = verdicts(2_000, CLAIMED)
  expect(seen.flatMap((verdict, at) => (verdict === 'ask' ? [at * 100] : []))).toEqual([1_100, 1_400, 1_700])
})

test('the supernode is not asked for what it has promised', () => {
  expect(verdicts(4_000, { ...CLAIMED, granted: true })).not.toContain('ask')
})

test('a download that gets other blocks does not hurry the supernode', () => {
  for (let at = 0; at < 50; at++) {
    watch.progress()
    expect(watch.judge(0, CLAIMED)).toBe('wait')
    clock.advance(100)
  }
})

test('as long as blocks come, nobody is stuck', () => {
  for (let block = 0; block < 50; block++) {
    clock.advance(500)
    watch.progress()
    expect(watch.judge(block, COMING)).toBe('wait')
  }
})

test('another head has its own patience', () => {
  verdicts(1_900, HELD_UP)
  expect(watch.judge(1, HELD_UP)).toBe('wait')
  clock.advance(1_900)
  expect(watch.judge(1, HELD_UP)).toBe('ask')
})

test('a slow origin is waited for, but not longer than 20 s', () => {
  const seen = verdicts(20_100, ORIGIN_SLOW)
  expect(seen).not.toContain('origin')
  expect(seen).not.toContain('only-origin')
  expect(watch.judge(0, ORIGIN_SLOW)).toBe('only-origin')
})

test('a silent supernode is not waited for', () => {
  expect(verdicts(2_200, { ...ORIGIN_SLOW, supernodeSilentMs: 1_600 })).toContain('origin')
})

test('an origin that fails too is left in peace for 2 s', () => {
  verdicts(2_100, LEFT_ALONE)
  expect(watch.judge(0, LEFT_ALONE)).toBe('origin')
  watch.originFailed()
  const seen = verdicts(2_100, LEFT_ALONE)
  expect(seen).not.toContain('origin')
  expect(watch.judge(0, LEFT_ALONE)).toBe('origin')
})

test('for what nobody waits for the supernode is asked only when nothing has come for a second', () => {
  const preheat: StallFacts = { ...HELD_UP, background: true }
  const seen = verdicts(2_000, preheat)
  expect([seen.indexOf('ask'), verdicts(1_000, HELD_UP).includes('ask')]).toEqual([10, true])
  watch.progress()
  expect(verdicts(1_000, preheat)).not.toContain('ask')
})
