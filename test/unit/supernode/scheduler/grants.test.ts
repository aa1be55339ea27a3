import { describe, expect, test } from 'vitest'
import { blocksGrantedIn, grantsIn, range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

describe('granting', () => {
  test('each ready block goes to exactly one member, in block order and evenly', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    const effects = scheduler.ready(6)
    expect(blocksGrantedIn(effects)).toEqual(range(6))
    for (const peer of ['a', 'b', 'c']) expect(scheduler.member(peer).openGrants).toBe(2)
    expect(scheduler.ready(6)).toEqual([])
  })

  test('a member gets no more than its window until it answers', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    expect(grantsIn(scheduler.ready(10))).toEqual(['a:0', 'a:1', 'a:2', 'a:3'])
    expect(grantsIn(scheduler.have('a', 0))).toEqual(['a:4'])
    expect(grantsIn(scheduler.have('a', 1, 2))).toEqual(['a:5', 'a:6'])
  })

  test('the window is at least two blocks', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('a')
    expect(blocksGrantedIn(scheduler.ready(10))).toEqual([0, 1])
  })

  test('no more is granted in a task than the supernode can upload in time', () => {
    const scheduler = new SchedulerFixture({ maxGrantedBytes: 6 * 1024 * 1024, minGrantedBlocks: 0 })
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    expect(blocksGrantedIn(scheduler.ready(100))).toEqual(range(6))
    const taker = scheduler.island().grants.get(0)?.[0]?.member.peer.id ?? ''
    expect(blocksGrantedIn(scheduler.have(taker, 0))).toEqual([6])
  })

  test('no more is granted than so far ahead of the member that holds most', () => {
    const scheduler = new SchedulerFixture({ lookaheadBytes: 4 * 1024 * 1024, minGrantedBlocks: 1 })
    for (const peer of ['a', 'b', 'c']) scheduler.join(peer)
    const [first = ''] = grantsIn(scheduler.ready(100))
    expect(scheduler.island().cursor).toBe(4)
    const [peer = '', block] = first.split(':')
    expect(blocksGrantedIn(scheduler.have(peer, Number(block)))).toEqual([4])
  })

  test('among members with as many open the one that was given the fewest is chosen', () => {
    const scheduler = new SchedulerFixture()
    for (const peer of ['a', 'b']) scheduler.join(peer)
    const [first = ''] = grantsIn(scheduler.ready(1))
    const [peer = ''] = first.split(':')
    scheduler.have(peer, 0)
    const other = peer === 'a' ? 'b' : 'a'
    expect(grantsIn(scheduler.ready(2))).toEqual([`${other}:1`])
    scheduler.have(other, 1)
    scheduler.join('late', { have: [50, 51] })
    expect(grantsIn(scheduler.ready(3))).toEqual(['late:2'])
  })

  test('work that nobody waits for gets what is left over', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('preheat', { priority: 'background' })
    scheduler.join('pull', { have: [50, 51] })
    expect(grantsIn(scheduler.ready(3))).toEqual(['pull:0', 'pull:1', 'preheat:2'])
    expect(grantsIn(scheduler.have('pull', 0))).toEqual([])
    expect(grantsIn(scheduler.ready(4))).toEqual(['pull:3'])
    scheduler.rejoin('preheat', { priority: 'normal' })
    scheduler.have('pull', 1)
    scheduler.have('preheat', 2)
    expect(grantsIn(scheduler.ready(5))).toEqual(['preheat:4'])
  })

  test('a block that a member holds is not granted', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('holder', { have: [0, 2], wants: false })
    scheduler.join('a')
    expect(grantsIn(scheduler.ready(4))).toEqual(['a:1', 'a:3'])
  })

  test('a member that only offers is never granted a block, and the first that wants gets them', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('holder', { wants: false })
    expect(scheduler.ready(2)).toEqual([])
    expect(grantsIn(scheduler.join('a'))).toEqual(['a:0', 'a:1'])
  })

  test('a member that stops wanting gives its grants back', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(1)
    scheduler.join('b', { wants: false })
    scheduler.leave('b')
    expect(scheduler.rejoin('a', { wants: false })).toEqual([])
    expect(grantsIn(scheduler.join('c'))).toEqual(['c:0'])
  })
})

describe('blocks that come back', () => {
  test.each([
    ['peer-gone', { type: 'peer-gone', peer: 'a' } as const],
    ['leave', { type: 'leave', peer: 'a', task: TASK } as const],
  ])('%s returns what only that member held or was granted', (_name, event) => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.ready(3)
    scheduler.have('a', 1)
    scheduler.join('b', { have: [7] })
    expect(grantsIn(scheduler.apply(event))).toEqual(['b:0', 'b:1', 'b:2'])
  })

  test('lost blocks are granted again, smallest first and before new ones', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('a')
    scheduler.ready(5)
    scheduler.have('a', 0)
    scheduler.have('a', 1)
    expect(scheduler.apply({ type: 'lost', peer: 'a', task: TASK, blocks: [1, 0] })).toEqual([])
    expect(grantsIn(scheduler.have('a', 3))).toEqual(['a:0'])
    expect(grantsIn(scheduler.have('a', 2))).toEqual(['a:1'])
    expect(grantsIn(scheduler.have('a', 0))).toEqual(['a:4'])
  })

  test('a lost block that another member holds is not granted', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a', { have: [0] })
    scheduler.join('b', { have: [0] })
    scheduler.ready(1)
    expect(scheduler.apply({ type: 'lost', peer: 'a', task: TASK, blocks: [0] })).toEqual([])
    expect(grantsIn(scheduler.apply({ type: 'lost', peer: 'b', task: TASK, blocks: [0] }))).toHaveLength(1)
  })

  test('a dropped task is forgotten', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('a')
    scheduler.apply({ type: 'task-dropped', task: TASK })
    expect(scheduler.state.tasks.size).toBe(0)
    expect(scheduler.state.peers.get('a')?.memberships.size).toBe(0)
    expect(scheduler.apply({ type: 'peer-gone', peer: 'a' })).toEqual([])
  })
})

describe('deadlines', () => {
  test('a grant without an answer goes to another member on the tick after its deadline', () => {
    const scheduler = withAnAnswer()
    scheduler.ready(2)
    scheduler.join('b')
    expect(scheduler.tick(1_999)).toEqual([])
    expect(grantsIn(scheduler.tick(1))).toEqual(['b:1'])
  })

  test('before the first answer the deadline is ten times as long', () => {
    const scheduler = new SchedulerFixture()
    scheduler.join('slow')
    scheduler.ready(1)
    scheduler.join('b')
    expect(scheduler.tick(19_999)).toEqual([])
    expect(grantsIn(scheduler.tick(1))).toEqual(['b:0'])
  })

  test('the slow member loses a place in its window until it answers a grant', () => {
    const scheduler = withAnAnswer({ grantWindowBytes: 1 })
    scheduler.ready(3)
    scheduler.join('b')
    expect(grantsIn(scheduler.tick(2_000))).toEqual(['b:1', 'b:2'])
    expect(scheduler.member('slow')).toMatchObject({ openGrants: 0, missed: 1 })
    expect(grantsIn(scheduler.ready(10))).toEqual(['slow:3'])
    scheduler.have('slow', 3)
    expect(scheduler.member('slow')).toMatchObject({ openGrants: 2, missed: 0 })
  })

  test('a late answer of the slow one still counts and ends nothing twice', () => {
    const scheduler = withAnAnswer()
    scheduler.ready(2)
    scheduler.join('b')
    scheduler.tick(2_000)
    scheduler.have('slow', 1)
    scheduler.have('b', 1)
    expect(scheduler.island().grants.size).toBe(0)
    expect(scheduler.island().openGrants).toBe(0)
    expect(scheduler.member('b').openGrants).toBe(0)
  })

  test('alone, the slow member keeps its grant and is not told again; a second member gets it one deadline later', () => {
    const scheduler = withAnAnswer()
    scheduler.ready(2)
    expect(scheduler.tick(2_000)).toEqual([])
    scheduler.join('b')
    expect(scheduler.tick(1_999)).toEqual([])
    expect(grantsIn(scheduler.tick(1))).toEqual(['b:1'])
  })

  test('when both the slow one and its substitute leave, the block is granted again', () => {
    const scheduler = withAnAnswer()
    scheduler.ready(2)
    scheduler.join('b')
    scheduler.tick(2_000)
    scheduler.apply({ type: 'peer-gone', peer: 'b' })
    scheduler.apply({ type: 'peer-gone', peer: 'slow' })
    expect(grantsIn(scheduler.join('c'))).toContain('c:1')
  })

  test('where answers take long, deadlines grow with them', () => {
    const scheduler = new SchedulerFixture({ grantWindowBytes: 1 })
    scheduler.join('a')
    scheduler.ready(40)
    for (let block = 0; block < 30; block++) {
      scheduler.nowMs += 900
      scheduler.have('a', block)
    }
    scheduler.join('b', { have: [100] })
    expect(grantsIn(scheduler.tick(2_000)).filter(grant => grant.startsWith('b'))).toEqual([])
    expect(scheduler.tick(8_000)).not.toEqual([])
  })
})

/** A task of which a slow member holds the first block, which it was granted and got at once. */
function withAnAnswer(config: ConstructorParameters<typeof SchedulerFixture>[0] = {}): SchedulerFixture {
  const scheduler = new SchedulerFixture(config)
  scheduler.join('slow')
  scheduler.ready(1)
  scheduler.have('slow', 0)
  return scheduler
}
