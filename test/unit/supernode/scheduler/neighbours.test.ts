import { describe, expect, test } from 'vitest'
import { range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

/** All members' degrees, ascending. */
function degrees(scheduler: SchedulerFixture): number[] {
  return scheduler.task.roster.map(member => member.neighbours.length).sort((a, b) => a - b)
}

/** How many members can be reached from the first over neighbours. */
function reachable(scheduler: SchedulerFixture): number {
  const seen = new Set(scheduler.task.roster.slice(0, 1))
  for (const member of seen) for (const neighbour of member.neighbours) seen.add(neighbour)
  return seen.size
}

describe('newcomers', () => {
  test('get everybody in a small swarm, and only they are told', () => {
    const scheduler = new SchedulerFixture()
    expect(scheduler.join('a')).toEqual([])
    scheduler.join('b')
    const effects = scheduler.join('c')
    expect(effects).toMatchObject([{ type: 'connect', peer: 'c', task: TASK }])
    expect(scheduler.neighboursOf('c')).toEqual(['a', 'b'])
    expect(scheduler.neighboursOf('a')).toEqual(['b', 'c'])
  })

  test('get targetNeighbours in a larger one, those with the fewest first', () => {
    const scheduler = new SchedulerFixture({ targetNeighbours: 2, minNeighbours: 0 })
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    scheduler.apply({ type: 'leave', peer: 'c', task: TASK })
    scheduler.join('d', { wants: false })
    scheduler.join('e')
    expect(scheduler.neighboursOf('e')).toHaveLength(2)
    expect(scheduler.task.roster.every(member => member.neighbours.length >= 1)).toBe(true)
  })

  test('make one connected mesh of thousands with room left for more', () => {
    const scheduler = new SchedulerFixture()
    for (const index of range(3_000)) scheduler.join(`peer-${index}`)
    const all = degrees(scheduler)
    expect(all[0]).toBeGreaterThanOrEqual(4)
    expect(all.at(-1)).toBeLessThanOrEqual(16)
    expect(all.reduce((sum, degree) => sum + degree, 0) / all.length).toBeLessThan(13)
    expect(reachable(scheduler)).toBe(3_000)
  })

  test('get half of their neighbours from their own zone', () => {
    const scheduler = new SchedulerFixture()
    for (const index of range(400)) scheduler.join(`peer-${index}`, { labels: { zone: `zone-${index % 20}` } })
    const local = scheduler.join('newcomer', { labels: { zone: 'zone-3' } })
    const dialled = local.flatMap(effect => (effect.type === 'connect' ? effect.to : []))
    const ofZone = dialled.filter(peer => Number(peer.split('-')[1]) % 20 === 3)
    expect(dialled.length).toBeGreaterThanOrEqual(4)
    expect(ofZone.length).toBeGreaterThanOrEqual(dialled.length / 2)
    expect(ofZone.length).toBeLessThan(dialled.length)
  })

  test('that only offer are not paired with others that only offer', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { wants: false })
    expect(scheduler.join('b', { wants: false })).toEqual([])
    scheduler.join('c')
    expect(scheduler.neighboursOf('c')).toEqual(['a', 'b'])
  })

  test('without a control stream, or in an unknown task, are passed over', () => {
    const scheduler = new SchedulerFixture()
    const join = { type: 'join', wants: true, have: scheduler.join('a') && scheduler.member('a').have, now: 0 } as const
    expect(scheduler.apply({ ...join, peer: 'nobody', task: TASK })).toEqual([])
    expect(scheduler.task.members.has('nobody')).toBe(false)
  })
})

describe('rewiring', () => {
  test('a member that falls under minNeighbours is refilled on the next tick', () => {
    const scheduler = new SchedulerFixture({ targetNeighbours: 4, minNeighbours: 3 })
    for (const index of range(30)) scheduler.join(`peer-${index}`)
    scheduler.join('a')
    for (const peer of scheduler.neighboursOf('a').slice(0, 2)) scheduler.apply({ type: 'peer-gone', peer })
    expect(scheduler.neighboursOf('a')).toHaveLength(2)
    const effects = scheduler.tick(1)
    expect(effects).toContainEqual(expect.objectContaining({ type: 'connect', peer: 'a' }))
    expect(scheduler.neighboursOf('a').length).toBeGreaterThanOrEqual(3)
    expect(scheduler.tick(1)).toEqual([])
  })

  test('an unreachable neighbour is replaced and not chosen again until it is forgiven', () => {
    const scheduler = new SchedulerFixture({ targetNeighbours: 1, minNeighbours: 1 })
    scheduler.join('a')
    scheduler.join('b')
    expect(scheduler.report('b', 'a', 'unreachable')).toEqual([])
    expect(scheduler.tick(1_000)).toEqual([])
    scheduler.join('c')
    scheduler.tick(1_000)
    expect(scheduler.neighboursOf('b')).toEqual(['c'])
    scheduler.apply({ type: 'peer-gone', peer: 'c' })
    expect(scheduler.tick(57_999)).toEqual([])
    scheduler.tick(1)
    expect(scheduler.neighboursOf('b')).toEqual(['a'])
  })

  test('a stalled neighbour is kept while there are few, replaced while there are more', () => {
    const scheduler = new SchedulerFixture({ minNeighbours: 1 })
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    scheduler.apply({ type: 'leave', peer: 'b', task: TASK })
    expect(scheduler.report('a', 'c', 'stalled')).toEqual([])
    expect(scheduler.neighboursOf('a')).toEqual(['c'])
    scheduler.join('d')
    expect(scheduler.report('a', 'c', 'stalled')).toEqual([{ type: 'disconnect', peer: 'a', task: TASK, from: ['c'] }])
    expect(scheduler.neighboursOf('a')).toEqual(['d'])
  })

  test('a peer that connects again starts anew', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { have: [0] })
    scheduler.join('b')
    scheduler.apply({ type: 'peer-connected', peer: 'a', labels: {} })
    expect(scheduler.task.members.has('a')).toBe(false)
    expect(scheduler.neighboursOf('b')).toEqual([])
    expect(scheduler.task.holders.counts[0]).toBe(0)
  })
})
