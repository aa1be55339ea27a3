import fc from 'fast-check'
import { expect, test } from 'vitest'
import { INITIAL_WINDOW_BYTES, ReceiveWindow } from '../../../../../lib/p2p/yamux/receive-window.ts'

const MIB = 1024 * 1024
const LARGEST_WINDOW_BYTES = 8 * MIB

/** What happens to a window: some of what is open comes, and time passes until it is looked at again. */
const step = fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), passesMs: fc.nat({ max: 300 }) })

test('no more comes through than was allowed, and all that was', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.nat({ max: 200 }), (steps, roundTripMs) => {
      let nowMs = 1000
      const window = new ReceiveWindow(nowMs)
      let openBytes = INITIAL_WINDOW_BYTES + window.open()
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

test('a window is what the specification says until it is opened', () => {
  const window = new ReceiveWindow(0)
  expect(() => window.received(INITIAL_WINDOW_BYTES + 1)).toThrow()
  window.received(INITIAL_WINDOW_BYTES)
})

test('nothing more is allowed before half of the window is used', () => {
  const window = new ReceiveWindow(0)
  window.open()
  window.received(MIB / 2 - 1)
  expect(window.update(10_000, 1)).toBe(0)
  window.received(1)
  expect(window.update(10_000, 1)).toBe(MIB / 2)
})

test('a window that is used up fast doubles, up to the largest', () => {
  const window = new ReceiveWindow(0)
  let openBytes = INITIAL_WINDOW_BYTES + window.open()
  const sizes = Array.from({ length: 6 }, (_, round) => {
    window.received(openBytes)
    openBytes = window.update((round + 1) * 100, 51)
    return openBytes / MIB
  })
  expect(sizes).toEqual([2, 4, 8, 8, 8, 8])
})

test('a window that is used up in two round trips or more stays as it is', () => {
  const window = new ReceiveWindow(0)
  let openBytes = INITIAL_WINDOW_BYTES + window.open()
  for (let round = 1; round <= 6; round++) {
    window.received(openBytes)
    openBytes = window.update(round * 100, 50)
    expect(openBytes).toBe(MIB)
  }
})
