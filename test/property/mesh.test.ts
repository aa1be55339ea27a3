import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { SchedulerEffect } from '../../supernode/scheduler/effect.ts'
import { range, SchedulerFixture } from '../helpers/scheduler-fixture.ts'

/** Peers come and go; a tick now and then. The number says who. */
const step = fc.record({
  kind: fc.constantFrom('join', 'join', 'join', 'leave', 'gone', 'tick'),
  peer: fc.nat(40),
})
const steps = fc.array(step, { maxLength: 200, size: 'max' })

/** Joins that are made before the steps: mostly around the size at which an island stops being a full mesh. */
const opening = fc.oneof(fc.integer({ min: 5, max: 11 }), fc.integer({ min: 0, max: 40 }))

function take(scheduler: SchedulerFixture, kind: string, peer: string): readonly SchedulerEffect[] {
  const isMember = scheduler.task.members.has(peer)
  if (kind === 'tick') return scheduler.tick(100)
  if (kind === 'join') return isMember ? [] : scheduler.join(peer)
  return kind === 'leave' ? scheduler.leave(peer) : scheduler.apply({ type: 'peer-gone', peer })
}

test('whoever comes and goes, everybody has two neighbours on each ring', () => {
  fc.assert(
    fc.property(fc.nat(), opening, steps, fc.integer({ min: 1, max: 4 }), (seed, joining, steps, rings) => {
      const scheduler = new SchedulerFixture({ rings }, seed)
      for (const index of range(joining)) scheduler.join(`peer-${index}`)
      for (const { kind, peer } of steps) take(scheduler, kind, `peer-${peer}`)
      scheduler.tick(100)
      const members = [...scheduler.task.members.values()]
      const expected = Math.min(2 * rings, members.length - 1)
      expect(members.map(({ neighbours }) => neighbours.length)).toEqual(members.map(() => expected))
      expect(scheduler.tick(100)).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('who comes or goes is news to a few, however many there are', () => {
  fc.assert(
    fc.property(fc.nat(), opening, steps, (seed, joining, steps) => {
      const scheduler = new SchedulerFixture({}, seed)
      for (const index of range(joining)) scheduler.join(`peer-${index}`)
      for (const { kind, peer } of steps) {
        const effects = take(scheduler, kind, `peer-${peer}`)
        // One dials and six pairs part, of which both are told; or three pairs meet, and each of the six gives up another one.
        if (kind !== 'tick') expect(effects.length).toBeLessThanOrEqual(15)
      }
    }),
    { numRuns: 100 },
  )
})
