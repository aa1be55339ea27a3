import { describe, expect, test } from 'vitest'
import { grantsIn, range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

/** A ring of ten in which each has two neighbours, `a` among them, and those that are not neighbours of `a`. */
function ringOfTen(config = {}): { scheduler: SchedulerFixture; strangers: string[] } {
  const scheduler = new SchedulerFixture({ rings: 1, ...config })
  for (const peer of ['a', ...range(9).map(index => `peer-${index}`)]) scheduler.join(peer)
  const known = new Set(['a', ...scheduler.neighboursOf('a')])
  return { scheduler, strangers: [...scheduler.task.members.keys()].filter(peer => !known.has(peer)) }
}

/** Asks, has patience, and asks again. */
function askTwice(scheduler: SchedulerFixture, peer: string, block: number) {
  expect(scheduler.blocked(peer, block)).toEqual([])
  scheduler.nowMs += scheduler.state.config.patienceMs
  return scheduler.blocked(peer, block)
}

describe('a block that a stranger holds', () => {
  test('makes it an extra neighbour, the one with the fewest to serve, of a member that has been patient', () => {
    const { scheduler, strangers } = ringOfTen({ patienceMs: 400 })
    scheduler.ready(2)
    const [busy = '', free = '', other = ''] = strangers.filter((_, index) => index % 2 === 0)
    scheduler.have(busy, 0, 1)
    scheduler.have(free, 0)
    expect(askTwice(scheduler, other, 1)).toEqual([{ type: 'connect', peer: other, task: TASK, to: [busy] }])
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 399
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 1
    expect(scheduler.blocked('a', 0)).toEqual([{ type: 'connect', peer: 'a', task: TASK, to: [free] }])
  })

  test('makes it a neighbour at once of a member that lacks one', () => {
    const { scheduler, strangers } = ringOfTen()
    const [holder = ''] = strangers
    const [lost = ''] = scheduler.neighboursOf('a')
    scheduler.have(holder, 0)
    scheduler.report('a', lost, 'unreachable')
    expect(scheduler.blocked('a', 0)).toEqual([{ type: 'connect', peer: 'a', task: TASK, to: [holder] }])
  })

  test('takes the place of an extra neighbour where the member may have no more', () => {
    const { scheduler, strangers } = ringOfTen({ maxNeighbours: 3 })
    const [first = '', second = ''] = strangers
    scheduler.have(first, 0)
    scheduler.have(second, 1)
    askTwice(scheduler, 'a', 0)
    expect(askTwice(scheduler, 'a', 1)).toEqual([
      { type: 'disconnect', peer: 'a', task: TASK, from: [first] },
      { type: 'disconnect', peer: first, task: TASK, from: ['a'] },
      { type: 'connect', peer: 'a', task: TASK, to: [second] },
    ])
  })

  test('comes from the supernode when a short search meets no holder', () => {
    const scheduler = new SchedulerFixture({ rings: 1 })
    for (const index of range(2_000)) scheduler.join(`peer-${index}`)
    const members = scheduler.island().rings[0]?.members ?? []
    scheduler.have(members[0]?.peer.id ?? '', 0)
    scheduler.ready(1)
    const effects = askTwice(scheduler, members[1_000]?.peer.id ?? '', 0)
    expect(effects.map(({ type }) => type)).toEqual(['grant'])
  })
})

describe('a block that nobody can be asked for', () => {
  test('is waited for while its grant is young; an older one is doubled, once per regrantAfterMs', () => {
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
  })

  test('is waited for twice as long as answers take, where they take longer', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    scheduler.nowMs += 1_500
    scheduler.have('a', 0)
    scheduler.ready(2)
    scheduler.join('b')
    scheduler.nowMs += 2_999
    expect(scheduler.blocked('b', 1)).toEqual([])
    scheduler.nowMs += 1
    expect(grantsIn(scheduler.blocked('b', 1))).toEqual(['b:1'])
  })

  test('goes to another when the one that was granted it asks for it', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    scheduler.join('b')
    scheduler.nowMs += 499
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 1
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['b:0'])
    expect(scheduler.member('a')).toMatchObject({ openGrants: 0, missed: 1 })
    // It may have got it after all.
    scheduler.have('a', 0)
    expect(scheduler.member('a').missed).toBe(0)
    expect(scheduler.member('b').openGrants).toBe(1)
  })

  test('is granted to the same one again when there is nobody else', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['a:0'])
    expect(scheduler.island().grants.get(0)).toHaveLength(1)
    expect(scheduler.blocked('a', 0)).toEqual([])
  })

  test('comes from the supernode when a neighbour holds it and the member has waited in vain', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('holder', { have: [0] })
    scheduler.join('a')
    scheduler.ready(1)
    expect(scheduler.neighboursOf('a')).toEqual(['holder'])
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 599
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.nowMs += 1
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['a:0'])
    expect(scheduler.blocked('a', 0)).toEqual([])
  })

  test('does not wait for a neighbour that has stalled for this member, as long as that is remembered', () => {
    const scheduler = new SchedulerFixture({ holderPatienceMs: 5_000, stallMemoryMs: 1_000 })
    scheduler.join('holder', { have: [0, 1, 2] })
    scheduler.join('a')
    scheduler.ready(3)
    scheduler.report('a', 'holder', 'stalled')
    expect(scheduler.neighboursOf('a')).toEqual(['holder'])
    expect(askTwice(scheduler, 'a', 0).map(({ type }) => type)).toEqual(['grant'])
    expect(askTwice(scheduler, 'a', 1).map(({ type }) => type)).toEqual(['grant'])
    scheduler.nowMs += 1_000
    expect(askTwice(scheduler, 'a', 2)).toEqual([])
  })

  test('is not granted while the supernode does not have it', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    expect(scheduler.blocked('a', 0)).toEqual([])
  })

  test('is waited for in turn when it lies beyond what the windows allow', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('a')
    scheduler.ready(10)
    expect(scheduler.blocked('a', 5)).toEqual([])
    expect(grantsIn(scheduler.have('a', 0, 1))).toEqual(['a:2', 'a:3'])
  })

  test('is granted once more to a member that let its grant go overdue, when nobody else has room', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    expect(scheduler.blocked('a', 0)).toEqual([])
    scheduler.tick(2_000)
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('a', 0))).toEqual(['a:0'])
    expect(scheduler.island().grants.get(0)).toHaveLength(1)
  })

  test('goes to another than the member that let its grant go overdue, where there is one', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('deaf')
    scheduler.ready(1)
    scheduler.tick(2_000)
    scheduler.join('b')
    scheduler.nowMs += 500
    expect(grantsIn(scheduler.blocked('deaf', 0))).toEqual(['b:0'])
  })

  test('goes to who asks and not to the silent neighbour that holds it, granted before or not', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('silent', { have: [0] })
    scheduler.join('a')
    scheduler.ready(1)
    for (const waitedMs of [0, 600, 500, 500]) {
      scheduler.nowMs += waitedMs
      expect(grantsIn(scheduler.blocked('a', 0))).toEqual(waitedMs === 0 ? [] : ['a:0'])
    }
  })
})

describe('what a member may ask for', () => {
  test('only what it wants and misses', () => {
    const { scheduler, strangers } = ringOfTen()
    const [holder = ''] = strangers
    scheduler.have(holder, 0)
    scheduler.join('offers', { wants: false })
    scheduler.ready(1)
    expect(scheduler.blocked('offers', 0)).toEqual([])
    expect(scheduler.blocked(holder, 0)).toEqual([])
    expect(scheduler.blocked('stranger', 0)).toEqual([])
    expect(scheduler.blocked('a', -1, 0.5, 2 ** 40, Number.NaN)).toEqual([])
  })

  test('what it asks for takes bounded memory', () => {
    const { scheduler, strangers } = ringOfTen()
    const [holder = ''] = strangers
    scheduler.have(holder, ...range(500))
    scheduler.blocked('a', ...range(500))
    expect(scheduler.member('a').blockedSince?.size).toBe(64)
  })

  test('claims beyond the bound of blocks take no memory', () => {
    const scheduler = new SchedulerFixture({ maxBlocks: 100 })
    scheduler.join('a')
    scheduler.have('a', 99, 100, 2 ** 31, -1, 1.5)
    expect([...scheduler.member('a').have]).toEqual([99])
    expect(scheduler.ready(2 ** 40)).toEqual([])
    expect(scheduler.island().holders.counts.length).toBeLessThanOrEqual(128)
  })
})

test('an isolated member, which has no neighbours, gets the first that its reader waits for, once and within its window', () => {
  const scheduler = new SchedulerFixture()
  for (const peer of ['liar', 'a', 'b', 'c']) scheduler.join(peer)
  for (const peer of ['a', 'b']) scheduler.report(peer, 'liar', 'corrupt')
  scheduler.ready(10)
  scheduler.have('a', ...range(10))
  expect(grantsIn(scheduler.blocked('liar', 0))).toEqual(['liar:0'])
  expect(grantsIn(scheduler.blocked('liar', 0, 10))).toEqual([])
  // The window is four blocks.
  expect(grantsIn(scheduler.blocked('liar', ...range(10).slice(1)))).toEqual(['liar:1'])
  const granted = range(10).flatMap(block => grantsIn(scheduler.blocked('liar', block)))
  expect(granted).toEqual(['liar:2', 'liar:3'])
})
