import { describe, expect, test } from 'vitest'
import { grantsIn, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

/** Members that do not become neighbours by themselves. */
const APART = { targetNeighbours: 0, minNeighbours: 0 }

describe('blocked', () => {
  test('a holder that is a stranger becomes a neighbour, the least loaded one', () => {
    const scheduler = new SchedulerFixture(APART)
    scheduler.join('a')
    scheduler.join('busy', { have: [0] })
    scheduler.join('free', { have: [0] })
    scheduler.join('other', { have: [1] })
    expect(scheduler.blocked('other', 0)).toMatchObject([{ type: 'connect', peer: 'other' }])
    const [taken] = scheduler.neighboursOf('other')
    const free = taken === 'busy' ? 'free' : 'busy'
    expect(scheduler.blocked('a', 0)).toEqual([{ type: 'connect', peer: 'a', task: TASK, to: [free] }])
  })

  test('a member with no room gives up its busiest neighbour for the holder', () => {
    const scheduler = new SchedulerFixture({ ...APART, maxNeighbours: 2 })
    scheduler.join('a')
    for (const [index, peer] of ['x', 'y', 'holder'].entries()) scheduler.join(peer, { have: [index] })
    scheduler.blocked('a', 0, 1)
    scheduler.blocked('holder', 1)
    expect(scheduler.neighboursOf('y')).toEqual(['a', 'holder'])
    expect(scheduler.blocked('a', 2)).toEqual([
      { type: 'disconnect', peer: 'a', task: TASK, from: ['y'] },
      { type: 'connect', peer: 'a', task: TASK, to: ['holder'] },
    ])
    expect(scheduler.neighboursOf('a')).toEqual(['holder', 'x'])
    expect(scheduler.neighboursOf('y')).toEqual(['holder'])
  })

  test('a young grant to another member is waited for; an older one is doubled, once per regrantAfterMs', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    for (const peer of ['b', 'c']) scheduler.join(peer)
    scheduler.nowMs += 499
    expect(scheduler.blocked('b', 0)).toEqual([])
    scheduler.nowMs += 1
    expect(grantsIn(scheduler.blocked('b', 0))).toEqual(['b:0'])
    expect(scheduler.blocked('c', 0)).toEqual([])
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('c', 0))).toEqual(['c:0'])
    scheduler.nowMs += 500
    expect(scheduler.blocked('c', 0)).toEqual([])
  })

  test('a block held by a neighbour comes from the supernode only after the member has waited in vain', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('holder', { have: [0] })
    scheduler.join('a')
    scheduler.ready(1)
    expect(scheduler.neighboursOf('a')).toEqual(['holder'])
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 1_999
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 1
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['a:0'])
    expect(scheduler.blocked('a', 0)).toEqual([])
  })

  test('a block that the supernode does not have yet is not granted', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    expect(scheduler.blocked('a', 0)).toEqual([])
  })

  test('an unheld block beyond what the windows allow is waited for in turn', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('a')
    scheduler.ready(10)
    expect(scheduler.blocked('a', 5)).toEqual([])
    expect(grantsIn(scheduler.have('a', 0, 1))).toEqual(['a:2', 'a:3'])
  })

  test('a member whose own grant is overdue is told again', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.tick(2_000)
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['a:0'])
    expect(scheduler.task.grants.get(0)).toHaveLength(1)
  })

  test('a member that let its grant go overdue does not get it again while another has room', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('deaf')
    scheduler.ready(1)
    scheduler.tick(2_000)
    scheduler.join('b')
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('deaf', 0))).toEqual(['b:0'])
  })

  test('only members that want and miss the block are helped', () => {
    const scheduler = new SchedulerFixture(APART)
    scheduler.join('holder', { have: [0] })
    scheduler.join('offers', { wants: false })
    scheduler.ready(1)
    expect(scheduler.blocked('offers', 0)).toEqual([])
    expect(scheduler.blocked('holder', 0)).toEqual([])
    expect(scheduler.blocked('stranger', 0)).toEqual([])
    expect(scheduler.blocked('holder', -1, 0.5, 2 ** 40, Number.NaN)).toEqual([])
  })

  test('claims beyond the bound of blocks take no memory', () => {
    const scheduler = new SchedulerFixture({ maxBlocks: 100 })
    scheduler.join('a')
    scheduler.have('a', 99, 100, 2 ** 31, -1, 1.5)
    expect([...scheduler.member('a').have]).toEqual([99])
    expect(scheduler.ready(2 ** 40)).toEqual([])
    expect(scheduler.task.holders.counts.length).toBeLessThanOrEqual(128)
  })
})
