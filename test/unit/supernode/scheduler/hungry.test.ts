import { expect, test } from 'vitest'
import type { SchedulerEffect } from '../../../../supernode/scheduler/effect.ts'
import { grantsIn, range, SchedulerFixture, TASK } from '../../../helpers/scheduler-fixture.ts'

function hungry(scheduler: SchedulerFixture, peer: string, ...blocks: number[]): readonly SchedulerEffect[] {
  return scheduler.apply({ type: 'hungry', peer, task: TASK, blocks, now: scheduler.nowMs })
}

test('a hungry member gets one more neighbour when it has been hungry for a while without a break', () => {
  const scheduler = new SchedulerFixture({ rings: 1, patienceMs: 300 })
  for (const index of range(10)) scheduler.join(`peer-${index}`)
  const known = new Set(['peer-0', ...scheduler.neighboursOf('peer-0')])
  const [holder = ''] = [...scheduler.task.members.keys()].filter(peer => !known.has(peer))
  scheduler.have(holder, 5)
  scheduler.ready(6)
  // Nobody holds the others, and they are on their way to somebody.
  for (const pauseMs of [0, 200, 400, 200]) {
    scheduler.nowMs += pauseMs
    expect(hungry(scheduler, 'peer-0', 5).filter(({ type }) => type === 'connect')).toEqual([])
  }
  scheduler.nowMs += 100
  expect(hungry(scheduler, 'peer-0', 5)).toContainEqual({ type: 'connect', peer: 'peer-0', task: TASK, to: [holder] })
})

test('the supernode feeds from what it has to spare, once per regrantAfterMs', () => {
  const scheduler = new SchedulerFixture({ grantWindowBytes: 1, spareAfterMs: 0 })
  scheduler.join('full', { have: [0, 1], wants: false })
  scheduler.join('a')
  scheduler.ready(5)
  // Blocks that nobody holds come first, and one of them does not fit into the window.
  expect(scheduler.member('a').openGrants).toBe(2)
  expect(grantsIn(hungry(scheduler, 'a', 0))).toEqual([])
  expect(grantsIn(scheduler.have('a', 2, 3))).toEqual(['a:4'])
  expect(grantsIn(hungry(scheduler, 'a', 0, 1, 4, 5))).toEqual(['a:0', 'a:1'])
  scheduler.nowMs += 499
  expect(grantsIn(hungry(scheduler, 'a', 0))).toEqual([])
  scheduler.nowMs += 1
  expect(grantsIn(hungry(scheduler, 'a', 0))).toEqual(['a:0'])
})

test('the supernode keeps what it has to spare from a member that has only just become hungry', () => {
  const scheduler = new SchedulerFixture({ spareAfterMs: 1_000 })
  scheduler.join('full', { have: [0], wants: false })
  scheduler.join('a')
  scheduler.ready(1)
  for (const pauseMs of [0, 300, 300, 300]) {
    scheduler.nowMs += pauseMs
    expect(grantsIn(hungry(scheduler, 'a', 0))).toEqual([])
  }
  scheduler.nowMs += 100
  expect(grantsIn(hungry(scheduler, 'a', 0))).toEqual(['a:0'])
})

test('the supernode feeds nobody beyond its budget', () => {
  const scheduler = new SchedulerFixture({ maxGrantedBytes: 0, minGrantedBlocks: 6, spareAfterMs: 0 })
  scheduler.join('full', { have: range(20), wants: false })
  scheduler.join('a')
  scheduler.ready(20)
  expect(grantsIn(hungry(scheduler, 'a', ...range(20)))).toHaveLength(6)
})

test('what is to spare is shared out equally among the hungry, whoever asks first', () => {
  const scheduler = new SchedulerFixture({ maxGrantedBytes: 0, minGrantedBlocks: 6, spareAfterMs: 100 })
  scheduler.join('full', { have: range(20), wants: false })
  scheduler.ready(20)
  const members = ['a', 'b', 'c']
  for (const peer of members) scheduler.join(peer)
  const ask = () => members.map(peer => grantsIn(hungry(scheduler, peer, ...range(20))).length)
  expect(ask()).toEqual([0, 0, 0])
  scheduler.nowMs += 100
  expect(ask()).toEqual([2, 2, 2])
})

test('whoever is hungry no longer takes no share', () => {
  const scheduler = new SchedulerFixture({ maxGrantedBytes: 0, minGrantedBlocks: 6, spareAfterMs: 100 })
  scheduler.join('full', { have: range(20), wants: false })
  scheduler.ready(20)
  for (const peer of ['a', 'b']) scheduler.join(peer)
  for (const pauseMs of [0, 300, 300]) {
    scheduler.nowMs += pauseMs
    if (pauseMs === 0) hungry(scheduler, 'b', 19)
    if (scheduler.nowMs < 1_600) hungry(scheduler, 'a', 19)
    if (pauseMs > 0) scheduler.have('a', 19)
  }
  expect(grantsIn(hungry(scheduler, 'a', ...range(19)))).toHaveLength(6)
  scheduler.leave('a')
  expect([...scheduler.island().hungry]).toEqual([])
})

test('a peer that nobody wants to have to do with is fed, and what it answers does not count', () => {
  const scheduler = new SchedulerFixture({ spareAfterMs: 0 })
  for (const peer of ['liar', 'a', 'b', 'c']) scheduler.join(peer)
  for (const peer of ['a', 'b']) scheduler.report(peer, 'liar', 'corrupt')
  scheduler.ready(1)
  scheduler.have('a', 0)
  expect(grantsIn(hungry(scheduler, 'liar', 0))).toEqual(['liar:0'])
  scheduler.have('liar', 0)
  expect(scheduler.member('liar').openGrants).toBe(0)
  expect(scheduler.island().openGrants).toBe(0)
  expect(scheduler.island().holders.counts[0]).toBe(1)
})

test('a supernode whose blocks take long to arrive has nothing to spare, until they take less', () => {
  const scheduler = new SchedulerFixture({ grantWindowBytes: 1, spareAfterMs: 0 })
  scheduler.join('a')
  scheduler.ready(40)
  let next = 0
  const answer = (tookMs: number, ...peers: string[]) => {
    scheduler.nowMs += tookMs
    for (const peer of peers) scheduler.have(peer, next, next + 1)
    next += 2
  }
  for (let times = 0; times < 10; times++) answer(300, 'a')
  scheduler.join('b', { have: range(40).slice(1) })
  expect(grantsIn(hungry(scheduler, 'b', 0))).toEqual([])
  scheduler.ready(60)
  next = 40
  for (let times = 0; times < 10; times++) answer(100, 'a', 'b')
  expect(grantsIn(hungry(scheduler, 'b', 0))).toEqual(['b:0'])
})
