import fc from 'fast-check'
import { expect, test } from 'vitest'
import { EventQueue } from '../../simulation/engine/event-queue.ts'

test('events happen in the order of their time, those of one time in the order in which they were scheduled', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { maxLength: 3_000 }), delays => {
      const queue = new EventQueue()
      const happened: { atMs: number; tag: number }[] = []
      const event = { run: (tag: number) => void happened.push({ atMs: queue.nowMs, tag }) }
      delays.forEach((delay, index) => {
        queue.after(delay, event, index)
      })
      while (queue.step()) {}
      const expected = delays.map((atMs, tag) => ({ atMs, tag })).sort((a, b) => a.atMs - b.atMs || a.tag - b.tag)
      expect(happened).toEqual(expected)
    }),
    { numRuns: 50 },
  )
})

test('an event may schedule others, from its own time on', () => {
  const queue = new EventQueue()
  const times: number[] = []
  const again = {
    run() {
      times.push(queue.nowMs)
      if (times.length < 4) queue.after(2.5, again)
    },
  }
  queue.after(1, again)
  while (queue.step()) {}
  expect(times).toEqual([1, 3.5, 6, 8.5])
})
