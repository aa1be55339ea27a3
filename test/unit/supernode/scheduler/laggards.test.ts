import { expect, test } from 'vitest'
import { grantsIn, range, SchedulerFixture } from '../../../helpers/scheduler-fixture.ts'

const MEMBERS = 40
const BLOCKS = 2_000

/** A swarm in which everybody gets `perReport` blocks every half second, but for those who get something else. */
function swarmWith(others: Readonly<Record<string, number>>, perReport = 50) {
  const scheduler = new SchedulerFixture({ lookaheadBytes: Number.MAX_SAFE_INTEGER })
  for (const index of range(MEMBERS)) scheduler.join(`peer-${index}`)
  // Somebody to have it from, who wants nothing.
  scheduler.join('full', { have: range(BLOCKS), wants: false })
  scheduler.ready(BLOCKS)
  let reports = 0
  return {
    scheduler,
    pass(halfSeconds: number): void {
      for (const _ of range(halfSeconds)) {
        scheduler.nowMs += 500
        for (const index of range(MEMBERS)) {
          const peer = `peer-${index}`
          const blocks = others[peer] ?? perReport
          if (blocks > 0) scheduler.have(peer, ...range(blocks).map(at => reports * perReport + at))
        }
        reports++
        scheduler.tick(0)
      }
    },
    degrees: () => range(MEMBERS).map(index => scheduler.member(`peer-${index}`).neighbours.length),
  }
}

test('a member that gets far less than most gets one extra neighbour a second, and the others none', () => {
  const { scheduler, pass, degrees } = swarmWith({ 'peer-7': 20 })
  pass(3)
  const before = degrees()
  pass(2)
  expect(scheduler.member('peer-7').neighbours).toHaveLength((before[7] ?? 0) + 1)
  pass(2)
  expect(scheduler.member('peer-7').neighbours).toHaveLength((before[7] ?? 0) + 2)
  const gained = degrees().reduce((sum, degree, index) => sum + degree - (before[index] ?? 0), 0)
  // Two links; the other end of each is a member or the one that only offers.
  expect(gained).toBeLessThanOrEqual(4)
})

test('nobody is helped while all get about the same', () => {
  const { pass, degrees } = swarmWith({ 'peer-7': 45, 'peer-8': 55 })
  pass(3)
  const before = degrees()
  pass(8)
  expect(degrees()).toEqual(before)
})

test('nobody gets more neighbours than a member may have', () => {
  const { scheduler, pass } = swarmWith({ 'peer-7': 1 })
  pass(36)
  expect(scheduler.member('peer-7').neighbours).toHaveLength(scheduler.state.config.maxNeighbours)
})

test('where few blocks come in a second nobody is called a laggard', () => {
  const { pass, degrees } = swarmWith({ 'peer-7': 1 }, 5)
  pass(3)
  const before = degrees()
  pass(8)
  expect(degrees()).toEqual(before)
})

test('a member that has only just come, or has everything, is no laggard', () => {
  const { scheduler, pass } = swarmWith({})
  pass(3)
  scheduler.join('late')
  scheduler.join('done', { have: range(BLOCKS) })
  const before = scheduler.member('late').neighbours.length
  pass(2)
  expect(scheduler.member('late').neighbours).toHaveLength(before)
  const ofDone = scheduler.member('done').neighbours.length
  pass(2)
  expect(scheduler.member('late').neighbours.length).toBeGreaterThan(before)
  expect(scheduler.member('done').neighbours.length - ofDone).toBeLessThanOrEqual(1)
})

test('laggards are granted blocks only while nobody else has room', () => {
  const { scheduler, pass } = swarmWith({ 'peer-7': 20 })
  pass(6)
  expect(scheduler.member('peer-7').lags).toBe(true)
  const taken = new Set(grantsIn(scheduler.ready(BLOCKS + 3 * MEMBERS)).map(grant => grant.split(':')[0]))
  expect(taken.size).toBeGreaterThan(1)
  expect(taken).not.toContain('peer-7')
})

test('a laggard that has caught up is granted blocks as everybody', () => {
  const rates: Record<string, number> = { 'peer-7': 20 }
  const { scheduler, pass } = swarmWith(rates)
  pass(6)
  rates['peer-7'] = 50
  pass(6)
  expect(scheduler.member('peer-7').lags).toBe(false)
})
