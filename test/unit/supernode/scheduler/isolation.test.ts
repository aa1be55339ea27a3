import { describe, expect, test } from 'vitest'
import { grantsIn, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

/** A swarm of five where everybody knows everybody, and `liar` holds blocks 0 and 1. */
function swarm(): SchedulerFixture {
  const scheduler = new SchedulerFixture()
  scheduler.join('liar', { have: [0, 1] })
  for (const peer of ['a', 'b', 'c', 'd']) scheduler.join(peer)
  scheduler.ready(2)
  return scheduler
}

describe('isolation', () => {
  test('one report of corruption parts the two, two distinct ones isolate', () => {
    const scheduler = swarm()
    expect(scheduler.report('a', 'liar', 'corrupt')).toEqual([
      { type: 'disconnect', peer: 'a', task: TASK, from: ['liar'] },
    ])
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(false)
    expect(scheduler.report('a', 'liar', 'corrupt')).toEqual([])
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(false)
    const effects = scheduler.report('b', 'liar', 'corrupt')
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(true)
    expect(scheduler.neighboursOf('liar')).toEqual([])
    for (const peer of ['b', 'c', 'd']) {
      expect(effects).toContainEqual({ type: 'disconnect', peer, task: TASK, from: ['liar'] })
    }
    expect(grantsIn(effects).map(grant => grant.split(':')[1])).toEqual(['0', '1'])
  })

  test('in a swarm of three one report is enough', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    scheduler.report('a', 'b', 'corrupt')
    expect(scheduler.state.peers.get('b')?.isolated).toBe(true)
  })

  test('three that report a stall at about the same time isolate, for twenty seconds', () => {
    const scheduler = swarm()
    scheduler.report('a', 'liar', 'stalled')
    scheduler.report('a', 'liar', 'stalled')
    scheduler.report('b', 'liar', 'stalled')
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(false)
    const effects = scheduler.report('c', 'liar', 'stalled')
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(true)
    expect(grantsIn(effects).map(grant => grant.split(':')[1])).toEqual(['0', '1'])
    scheduler.tick(19_999)
    expect(scheduler.neighboursOf('liar')).toEqual([])
    scheduler.tick(1)
    expect(scheduler.neighboursOf('liar')).toEqual(['a', 'b', 'c', 'd'])
    expect(scheduler.state.standings.size).toBe(0)
  })

  test('stalls now and then do not', () => {
    const scheduler = swarm()
    for (const peer of ['a', 'b', 'c', 'd', 'a', 'b', 'c', 'd']) {
      scheduler.report(peer, 'liar', 'stalled')
      scheduler.tick(5_000)
    }
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(false)
    expect(scheduler.state.standings.get('liar')?.stalls).toHaveLength(2)
  })

  test('a report about a peer that is no neighbour does not count', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { labels: { zone: 'east' } })
    scheduler.join('b', { labels: { zone: 'west' } })
    expect(scheduler.report('a', 'b', 'corrupt')).toEqual([])
    expect(scheduler.state.standings.size).toBe(0)
  })

  test('an isolated peer gets no neighbours, no grants, and what it says it holds does not count', () => {
    const scheduler = swarm()
    scheduler.report('a', 'liar', 'corrupt')
    scheduler.report('b', 'liar', 'corrupt')
    for (const peer of ['a', 'b', 'c', 'd']) scheduler.apply({ type: 'peer-gone', peer })
    expect(scheduler.have('liar', 5)).toEqual([])
    expect(scheduler.island().holders.counts[5]).toBe(0)
    expect(scheduler.ready(9)).toEqual([])
    expect(scheduler.blocked('liar', 7)).toEqual([])
    expect(scheduler.tick(10_000)).toEqual([])
    expect(grantsIn(scheduler.join('e'))).toHaveLength(4)
    expect(scheduler.neighboursOf('e')).toEqual([])
  })

  test('what an isolated peer was granted goes to others at once', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('liar')
    scheduler.ready(2)
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    scheduler.report('a', 'liar', 'corrupt')
    const grants = grantsIn(scheduler.report('b', 'liar', 'corrupt'))
    expect(grants.map(grant => grant.split(':')[1]).sort()).toEqual(['0', '1'])
    expect(grants.some(grant => grant.startsWith('liar'))).toBe(false)
    expect(scheduler.member('liar').openGrants).toBe(0)
  })

  test('isolation outlives a reconnection and ends after a minute', () => {
    const scheduler = swarm()
    scheduler.report('a', 'liar', 'corrupt')
    scheduler.report('b', 'liar', 'corrupt')
    scheduler.apply({ type: 'peer-gone', peer: 'liar' })
    scheduler.tick(30_000)
    scheduler.join('liar', { have: [5] })
    expect(scheduler.neighboursOf('liar')).toEqual([])
    expect(scheduler.island().holders.counts[5]).toBe(0)
    scheduler.tick(29_999)
    expect(scheduler.neighboursOf('liar')).toEqual([])
    scheduler.tick(1)
    expect(scheduler.neighboursOf('liar')).toEqual(['a', 'b', 'c', 'd'])
    expect(scheduler.island().holders.counts[5]).toBe(1)
    expect(scheduler.state.standings.size).toBe(0)
  })

  test('a single report is forgotten after a minute', () => {
    const scheduler = swarm()
    scheduler.report('a', 'liar', 'corrupt')
    scheduler.tick(60_000)
    scheduler.report('b', 'liar', 'corrupt')
    expect(scheduler.state.peers.get('liar')?.isolated).toBe(false)
  })
})
