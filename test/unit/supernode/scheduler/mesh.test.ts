import { describe, expect, test } from 'vitest'
import type { TaskId } from '../../../../protocol/task.ts'
import { bitfieldOf, range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

const MANY = range(40).map(index => `peer-${index}`)

function swarmOf(peers: readonly string[], scheduler = new SchedulerFixture()): SchedulerFixture {
  for (const peer of peers) scheduler.join(peer)
  scheduler.tick(1)
  return scheduler
}

/** All members' degrees, each named once. */
function degrees(scheduler: SchedulerFixture): Set<number> {
  return new Set([...scheduler.task.members.values()].map(member => member.neighbours.length))
}

/** How many steps the member farthest from the first one is away, and how many can be reached. */
function explore(scheduler: SchedulerFixture): { depth: number; reached: number } {
  const [first] = scheduler.task.members.values()
  let edge = first === undefined ? [] : [first]
  const seen = new Set(edge)
  let depth = -1
  for (; edge.length > 0; depth++) {
    edge = [...new Set(edge.flatMap(({ neighbours }) => neighbours))].filter(member => !seen.has(member))
    for (const member of edge) seen.add(member)
  }
  return { depth, reached: seen.size }
}

/** The two next to a member on the first ring. */
function besides(scheduler: SchedulerFixture, peer: string): [string, string] {
  const members = scheduler.island().rings[0]?.members ?? []
  const at = members.findIndex(member => member.peer.id === peer)
  const before = members.at(at - 1)?.peer.id ?? ''
  return [before, members[(at + 1) % members.length]?.peer.id ?? '']
}

describe('newcomers', () => {
  test('get everybody in a small island, and only they are told', () => {
    const scheduler = new SchedulerFixture()
    expect(scheduler.join('a')).toEqual([])
    scheduler.join('b')
    const effects = scheduler.join('c')
    expect(effects).toMatchObject([{ type: 'connect', peer: 'c', task: TASK }])
    expect(scheduler.neighboursOf('c')).toEqual(['a', 'b'])
    expect(scheduler.neighboursOf('a')).toEqual(['b', 'c'])
    for (const peer of ['d', 'e', 'f', 'g']) scheduler.join(peer)
    expect(degrees(scheduler)).toEqual(new Set([6]))
  })

  test('make one regular mesh of thousands, a few steps wide, at a few effects each', () => {
    const scheduler = new SchedulerFixture()
    const effects = range(3_000).flatMap(index => [
      ...scheduler.join(`peer-${index}`),
      ...(index % 100 === 99 ? scheduler.tick(100) : []),
    ])
    expect(degrees(scheduler)).toEqual(new Set([6]))
    expect(explore(scheduler)).toEqual({ depth: expect.any(Number), reached: 3_000 })
    expect(explore(scheduler).depth).toBeLessThanOrEqual(8)
    expect(effects.length / 3_000).toBeLessThan(8)
  })

  test('get between two on each ring, which part', () => {
    const scheduler = swarmOf(MANY, new SchedulerFixture({ rings: 1 }))
    const effects = scheduler.join('newcomer')
    const [before, after] = besides(scheduler, 'newcomer')
    expect(effects).toEqual([
      { type: 'disconnect', peer: before, task: TASK, from: [after] },
      { type: 'disconnect', peer: after, task: TASK, from: [before] },
      { type: 'connect', peer: 'newcomer', task: TASK, to: [before, after] },
    ])
  })

  test('have the same neighbours in every task that they share, whoever came first', () => {
    const scheduler = swarmOf(MANY)
    const task = `sha256:${'c'.repeat(64)}` as TaskId
    scheduler.apply({ type: 'task-added', task, blockSizeBytes: 2 ** 20 })
    for (const peer of MANY.toReversed()) {
      scheduler.apply({ type: 'join', peer, task, have: bitfieldOf([]), wants: true, now: scheduler.nowMs })
    }
    scheduler.tick(1)
    const inOther = (peer: string) => scheduler.state.tasks.get(task)?.members.get(peer)?.neighbours ?? []
    const shared = MANY.flatMap(peer =>
      inOther(peer).filter(({ peer: { id } }) => scheduler.neighboursOf(peer).includes(id)),
    )
    expect(shared.length / (6 * MANY.length)).toBeGreaterThan(0.8)
  })

  test('without a control stream, or in an unknown task, are passed over', () => {
    const scheduler = swarmOf(['a'])
    expect(scheduler.rejoin('nobody')).toEqual([])
    expect(scheduler.task.members.has('nobody')).toBe(false)
    const task = `sha256:${'c'.repeat(64)}` as TaskId
    const join = { type: 'join', peer: 'a', task, have: bitfieldOf([]), wants: true, now: 0 } as const
    expect(scheduler.apply(join)).toEqual([])
  })
})

describe('members that only offer', () => {
  test('are not paired with each other, but with all who want', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { wants: false })
    expect(scheduler.join('b', { wants: false })).toEqual([])
    scheduler.join('c')
    expect(scheduler.neighboursOf('c')).toEqual(['a', 'b'])
  })

  test('are found by the few that want', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of MANY) expect(scheduler.join(peer, { wants: false })).toEqual([])
    scheduler.join('a')
    scheduler.join('b')
    scheduler.tick(1)
    expect(scheduler.neighboursOf('a')).toHaveLength(6)
    expect(scheduler.neighboursOf('b')).toHaveLength(6)
  })

  test('get neighbours when they come to want, and keep them when they no longer do', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of MANY) scheduler.join(peer, { wants: false })
    expect(scheduler.rejoin('peer-7')).toMatchObject([{ type: 'connect', peer: 'peer-7' }])
    scheduler.tick(1)
    const neighbours = scheduler.neighboursOf('peer-7')
    expect(neighbours).toHaveLength(6)
    expect(scheduler.rejoin('peer-7', { wants: false })).toEqual([])
    expect(scheduler.tick(1)).toEqual([])
    expect(scheduler.neighboursOf('peer-7')).toEqual(neighbours)
  })

  test('close no gap between them', () => {
    const scheduler = new SchedulerFixture({ rings: 1 })
    for (const peer of MANY) scheduler.join(peer, { wants: false })
    scheduler.join('a')
    expect(scheduler.leave('a')).toEqual([])
    expect(degrees(scheduler)).toEqual(new Set([0]))
  })
})

describe('those who stay', () => {
  test('close the gap that a leaving member makes on each ring', () => {
    const scheduler = swarmOf(MANY, new SchedulerFixture({ rings: 1 }))
    const [before, after] = besides(scheduler, 'peer-5')
    const expected = [{ type: 'connect', peer: before, task: TASK, to: [after] }]
    expect(scheduler.apply({ type: 'peer-gone', peer: 'peer-5' })).toEqual(expected)
  })

  test('have all neighbours again on the next tick, and nothing is said after that', () => {
    const scheduler = swarmOf(MANY)
    for (const peer of MANY.slice(0, 20)) scheduler.apply({ type: 'peer-gone', peer })
    scheduler.tick(1)
    expect(degrees(scheduler)).toEqual(new Set([6]))
    expect(explore(scheduler).reached).toBe(20)
    expect(scheduler.tick(1)).toEqual([])
  })

  test('have extra neighbours near them where there is a choice', () => {
    const scheduler = new SchedulerFixture({ rings: 1 })
    for (const peer of MANY) scheduler.join(peer, { labels: { idc: `idc-${Number(peer.split('-')[1]) % 4}` } })
    // Everybody is parted from one neighbour, so that all look for another one at once.
    for (const peer of MANY) {
      const [after] = besides(scheduler, peer)
      scheduler.report(peer, after, 'unreachable')
    }
    const effects = scheduler.tick(1)
    const idcOf = (peer: string) => scheduler.member(peer).peer.labels.idc
    const pairs = effects.flatMap(effect =>
      effect.type === 'connect' ? effect.to.map(other => idcOf(other) === idcOf(effect.peer)) : [],
    )
    expect(pairs.length).toBeGreaterThan(20)
    expect(pairs.filter(isLocal => isLocal).length / pairs.length).toBeGreaterThan(0.8)
  })

  test('forget a peer that connects again', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { have: [0] })
    scheduler.join('b')
    scheduler.apply({ type: 'peer-connected', peer: 'a', labels: {} })
    expect(scheduler.task.members.has('a')).toBe(false)
    expect(scheduler.neighboursOf('b')).toEqual([])
    expect(scheduler.island().holders.counts[0]).toBe(0)
  })
})

describe('a pair that was parted', () => {
  test('gets other neighbours on the next tick, at the cost of nobody', () => {
    const scheduler = swarmOf(MANY)
    const [about = ''] = scheduler.neighboursOf('peer-3')
    expect(scheduler.report('peer-3', about, 'unreachable')).toEqual([])
    const effects = scheduler.tick(1)
    expect(effects.filter(({ type }) => type === 'connect')).toHaveLength(2)
    expect(degrees(scheduler)).toEqual(new Set([6]))
    expect(scheduler.neighboursOf('peer-3')).not.toContain(about)
  })

  test('does not meet again on a ring before it is forgiven', () => {
    const scheduler = swarmOf(MANY, new SchedulerFixture({ rings: 1 }))
    const [before, after] = besides(scheduler, 'peer-3')
    scheduler.report(before, 'peer-3', 'unreachable')
    scheduler.leave('peer-3')
    scheduler.join('peer-3')
    expect(scheduler.neighboursOf('peer-3')).toContain(after)
    // It joined anew, but the other still remembers.
    expect(scheduler.neighboursOf('peer-3')).not.toContain(before)
    scheduler.leave('peer-3')
    scheduler.tick(60_000)
    scheduler.join('peer-3')
    expect(scheduler.neighboursOf('peer-3')).toEqual([before, after].sort())
  })

  test('of an island with nobody else meets again when it is forgiven', () => {
    const scheduler = swarmOf(['a', 'b'])
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

  test('stays together while one only stalls and the other has few', () => {
    const scheduler = swarmOf(['a', 'b', 'c'], new SchedulerFixture({ minNeighbours: 1 }))
    scheduler.leave('b')
    expect(scheduler.report('a', 'c', 'stalled')).toEqual([])
    expect(scheduler.neighboursOf('a')).toEqual(['c'])
    scheduler.join('d')
    expect(scheduler.report('a', 'c', 'stalled')).toEqual([{ type: 'disconnect', peer: 'a', task: TASK, from: ['c'] }])
    expect(scheduler.neighboursOf('a')).toEqual(['d'])
  })
})
