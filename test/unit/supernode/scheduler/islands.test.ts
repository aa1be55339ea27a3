import { describe, expect, test } from 'vitest'
import { blocksGrantedIn, grantsIn, range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

const inZone = (zone: string) => ({ labels: { zone } })

describe('an island', () => {
  test('has neighbours of its own zone only', () => {
    const scheduler = new SchedulerFixture()
    for (const index of range(60)) scheduler.join(`peer-${index}`, inZone(`zone-${index % 3}`))
    scheduler.tick(1)
    for (const { peer, neighbours } of scheduler.task.members.values()) {
      expect(neighbours).toHaveLength(6)
      expect(new Set(neighbours.map(other => other.peer.labels.zone))).toEqual(new Set([peer.labels.zone]))
    }
  })

  test('is granted each block once, whatever other islands hold', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { ...inZone('east'), have: [0, 1] })
    scheduler.join('b', inZone('west'))
    scheduler.join('c', inZone('west'))
    const effects = scheduler.ready(3)
    expect(grantsIn(effects).filter(grant => grant.startsWith('a'))).toEqual(['a:2'])
    expect(blocksGrantedIn(effects.filter(({ peer }) => peer !== 'a'))).toEqual([0, 1, 2])
  })

  test('looks for holders among its own members', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('far', { ...inZone('east'), have: [0] })
    scheduler.join('a', inZone('west'))
    scheduler.ready(1)
    scheduler.join('b', inZone('west'))
    scheduler.nowMs += 500
    expect(scheduler.blocked('b', 0)).toEqual([{ type: 'grant', peer: 'b', task: TASK, blocks: [0] }])
  })

  test('of members without a zone is like any other', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.join('b', inZone('east'))
    scheduler.join('c')
    expect(scheduler.neighboursOf('a')).toEqual(['c'])
  })

  test('ends with its last member; the next one begins anew', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', inZone('east'))
    scheduler.ready(2)
    scheduler.have('a', 0, 1)
    scheduler.leave('a')
    expect(scheduler.task.islands.size).toBe(0)
    expect(grantsIn(scheduler.join('b', inZone('east')))).toEqual(['b:0', 'b:1'])
  })
})

describe('the budget of a task', () => {
  const SMALL = { maxGrantedBytes: 0, minGrantedBlocks: 12 }

  test('is shared evenly by the islands that have a use for it', () => {
    const scheduler = new SchedulerFixture(SMALL)
    for (const zone of ['x', 'y', 'z']) for (const index of range(5)) scheduler.join(`${zone}-${index}`, inZone(zone))
    const grants = grantsIn(scheduler.ready(100))
    for (const zone of ['x', 'y', 'z']) expect(grants.filter(grant => grant.startsWith(zone))).toHaveLength(4)
  })

  test('is all for one island while the others have everything', () => {
    const scheduler = new SchedulerFixture(SMALL)
    scheduler.join('full', { ...inZone('x'), have: range(100) })
    for (const index of range(5)) scheduler.join(`y-${index}`, inZone('y'))
    expect(blocksGrantedIn(scheduler.ready(100))).toEqual(range(12))
  })

  test('gives each island at least what one member may have', () => {
    const scheduler = new SchedulerFixture({ ...SMALL, minGrantedBlocks: 4 })
    for (const zone of ['x', 'y', 'z']) for (const index of range(3)) scheduler.join(`${zone}-${index}`, inZone(zone))
    expect(scheduler.ready(100).flatMap(effect => (effect.type === 'grant' ? effect.blocks : []))).toHaveLength(12)
  })

  test('goes to an island that comes late, although another has taken it all', () => {
    const scheduler = new SchedulerFixture(SMALL)
    for (const index of range(5)) scheduler.join(`x-${index}`, inZone('x'))
    expect(blocksGrantedIn(scheduler.ready(100))).toEqual(range(12))
    expect(grantsIn(scheduler.join('y', inZone('y')))).toEqual(['y:0', 'y:1', 'y:2', 'y:3'])
  })
})

describe('what peers may say', () => {
  test('a thousand zones make four islands, in which everybody has neighbours', () => {
    const scheduler = new SchedulerFixture()
    for (const index of range(1_000)) scheduler.join(`peer-${index}`, inZone(`zone-${index}`))
    scheduler.tick(1)
    expect(scheduler.task.islands.size).toBe(4)
    const shared = [...scheduler.task.members.values()].filter(member => member.island === scheduler.island('zone-3'))
    expect(shared).toHaveLength(997)
    expect(shared.every(member => member.neighbours.length === 6)).toBe(true)
  })

  test('a peer that connects again from another zone leaves nothing behind in the first', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer, inZone('east'))
    scheduler.join('d', inZone('west'))
    scheduler.ready(1)
    scheduler.have('a', 0)
    scheduler.join('a', inZone('west'))
    const east = scheduler.island('east')
    expect(scheduler.neighboursOf('a')).toEqual(['d'])
    expect(scheduler.neighboursOf('b')).toEqual(['c'])
    expect(east.size).toBe(2)
    expect(east.holders.counts[0]).toBe(0)
    expect(east.rings.every(ring => ring.members.length === 2)).toBe(true)
    expect(east.grants.get(0)).toHaveLength(1)
  })

  test('ten thousand joins and departures of one peer take no memory and trouble few', () => {
    const scheduler = new SchedulerFixture({ maxGrantedBytes: 2 ** 30, lookaheadBytes: 2 ** 30 })
    for (const index of range(50)) scheduler.join(`peer-${index}`)
    // As after many quick answers.
    scheduler.island().pace = 1_000
    scheduler.ready(1_000)
    const steady = scheduler.join('steady')
    expect(steady.length).toBeGreaterThan(0)
    for (const index of range(10_000)) {
      const effects = index % 2 === 0 ? scheduler.leave('steady') : scheduler.rejoin('steady')
      expect(effects.length).toBeLessThanOrEqual(20)
    }
    const island = scheduler.island()
    expect(island.size).toBe(51)
    // 51 members have four grants each; as many again may have been closed lately.
    expect(island.openGrants).toBe(204)
    expect(island.deadlines.grants.length).toBeLessThanOrEqual(500)
    expect(island.lonely.size).toBeLessThanOrEqual(51)
    scheduler.tick(1)
    expect(island.lonely.size).toBe(0)
    expect(scheduler.state.peers.get('steady')?.memberships.size).toBe(1)
    const degrees = [...scheduler.task.members.values()].map(({ neighbours }) => neighbours.length)
    expect(new Set(degrees)).toEqual(new Set([6]))
  })
})
