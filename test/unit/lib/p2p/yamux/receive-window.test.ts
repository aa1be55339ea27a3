import fc from 'fast-check'
import { expect, test } from 'vitest'
import { INITIAL_WINDOW_BYTES, ReceiveWindow } from '../../../../../lib/p2p/yamux/receive-window.ts'

const MIB = 1024 * 1024
const LARGEST_WINDOW_BYTES = 8 * MIB
const ROUND_TRIP_MS = 20

/** What happens to a window: some of what is open comes, and time passes until it is looked at again. */
const step = fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), passesMs: fc.nat({ max: 300 }) })

test('no more comes through than was allowed, and all that was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 200 }), (steps, roundTripMs) => {
      let nowMs = 1000
      const window = new ReceiveWindow(nowMs)
      let openBytes = INITIAL_WINDOW_BYTES
      for (const { share, passesMs } of steps) {
        nowMs += passesMs
        const bytes = Math.floor(openBytes * share)
        window.received(bytes)
        openBytes -= bytes
        expect(() => window.received(openBytes + 1)).toThrow('more data than the window allows')
        openBytes += window.update(nowMs, roundTripMs)
        expect(openBytes).toBeLessThanOrEqual(LARGEST_WINDOW_BYTES)
      }
      window.received(openBytes)
    }),
  )
})

/** A stream over which so much comes every ten milliseconds, as far as its window allows. */
function stream() {
  let nowMs = 0
  const window = new ReceiveWindow(nowMs)
  let openBytes = INITIAL_WINDOW_BYTES
  return {
    /** @returns what is open after so long */
    pass(forMs: number, bytesPerMs: number): number {
      for (const endMs = nowMs + forMs; nowMs < endMs; ) {
        nowMs += 10
        const bytes = Math.min(openBytes, bytesPerMs * 10)
        window.received(bytes)
        openBytes += window.update(nowMs, ROUND_TRIP_MS) - bytes
      }
      return openBytes
    },
    idle(forMs: number) {
      nowMs += forMs
    },
  }
}

test('a window is what the specification says at first', () => {
  const window = new ReceiveWindow(0)
  expect(() => window.received(INITIAL_WINDOW_BYTES + 1)).toThrow()
  window.received(INITIAL_WINDOW_BYTES)
})

test('nothing more is allowed before half of the window is used', () => {
  const window = new ReceiveWindow(0)
  window.received(INITIAL_WINDOW_BYTES / 2 - 1)
  expect(window.update(50, 1)).toBe(0)
  window.received(1)
  expect(window.update(50, 1)).toBe(INITIAL_WINDOW_BYTES / 2)
})

test('a window is as large as what comes in 300 ms and a round trip, up to the largest', () => {
  const { pass } = stream()
  const fast = pass(2_000, 10_000)
  expect(fast).toBeGreaterThan((10_000 * 320) / 2)
  expect(fast).toBeLessThanOrEqual(10_000 * 320)
  expect(pass(2_000, 1_000_000)).toBe(LARGEST_WINDOW_BYTES)
})

test('a window shrinks when less comes, and is never less than at first', () => {
  const { pass } = stream()
  pass(2_000, 10_000)
  expect(pass(30_000, 100)).toBeLessThanOrEqual(INITIAL_WINDOW_BYTES)
  expect(pass(5_000, 2)).toBeGreaterThanOrEqual(INITIAL_WINDOW_BYTES / 2)
})

test('a pause does not count as slowness', () => {
  const { pass, idle } = stream()
  const before = pass(2_000, 10_000)
  idle(10_000)
  expect(pass(50, 10_000)).toBeGreaterThan(before / 2)
})
