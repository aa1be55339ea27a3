import { expect, test } from 'vitest'
import { createUploadSlots, type UploadSlot, type UploadSlots } from '../../../../lib/limits/upload-slots.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'

const NEVER = new AbortController().signal
const settled = () => new Promise<void>(resolve => setImmediate(resolve))

/** Slots that ask for a turn one after the other. */
function asking(slots: UploadSlots, count: number): UploadSlot[] {
  const all = Array.from({ length: count }, () => slots.create())
  for (const slot of all) void slot.take(NEVER)
  return all
}

const heldOf = (all: readonly UploadSlot[]) => all.flatMap((slot, index) => (slot.held ? [index] : []))

test('so many are held at once, and handed on in the order of arrival', async () => {
  const all = asking(createUploadSlots(createManualClock(), 2), 5)
  const history: number[][] = [heldOf(all)]
  for (const index of [1, 0, 2, 3, 4]) {
    all[index]?.release()
    await settled()
    history.push(heldOf(all))
  }
  expect(history).toEqual([[0, 1], [0, 2], [2, 3], [3, 4], [4], []])
})

test('whoever gives up leaves his place to the next, and holds nothing', async () => {
  const slots = createUploadSlots(createManualClock(), 1)
  const [first] = asking(slots, 1)
  const leaving = new AbortController()
  const second = slots.create()
  const taken = second.take(leaving.signal)
  const [third] = asking(slots, 1)
  leaving.abort()
  expect(await taken).toBe(false)
  expect(await second.take(leaving.signal)).toBe(false)
  first?.release()
  expect([second.held, third?.held]).toEqual([false, true])
  third?.release()
  expect(await slots.create().take(NEVER)).toBe(true)
})

test('a slot whose receiver takes nothing for two seconds goes to the one that waits; its holder waits for the next', async () => {
  const clock = createManualClock()
  const slots = createUploadSlots(clock, 2)
  const all = asking(slots, 2)
  for (const slot of all) slot.receiverWaitBegins()
  clock.advance(1_500)
  all[1]?.receiverWaitEnds()
  all[1]?.receiverWaitBegins()
  clock.advance(10_000)
  // Nobody waits, so nobody loses anything.
  expect(heldOf(all)).toEqual([0, 1])

  all[1]?.receiverWaitEnds()
  all.push(...asking(slots, 2))
  clock.advance(250)
  expect(heldOf(all)).toEqual([1, 2])
  all[1]?.receiverWaitBegins()
  clock.advance(1_500)
  expect(heldOf(all)).toEqual([1, 2])
  clock.advance(1_000)
  expect(heldOf(all)).toEqual([2, 3])

  const again = all[0]?.take(NEVER)
  all[2]?.release()
  expect(await again).toBe(true)
  expect(heldOf(all)).toEqual([0, 3])
})

test('another number counts at once: more are served, and those above fewer end first', async () => {
  const slots = createUploadSlots(createManualClock(), 1)
  const all = asking(slots, 4)
  slots.change(3)
  expect(heldOf(all)).toEqual([0, 1, 2])
  slots.change(1)
  all[0]?.release()
  all[1]?.release()
  expect(heldOf(all)).toEqual([2])
  all[2]?.release()
  expect(heldOf(all)).toEqual([3])
  expect(slots.count).toBe(1)
})

test('0 slots are as many as are wanted', async () => {
  const slots = createUploadSlots(createManualClock(), 1)
  const all = asking(slots, 3)
  slots.change(0)
  all.push(...asking(slots, 3))
  expect(heldOf(all)).toEqual([0, 1, 2, 3, 4, 5])
})
