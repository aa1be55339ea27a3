import { expect, test } from 'vitest'
import type { TaskId } from '../../../../protocol/task.ts'
import {
  BLOCK_BYTES,
  bitfieldOf,
  blocksGrantedIn,
  grantsIn,
  range,
  SchedulerFixture,
} from '../../../helpers/scheduler-fixture.ts'

/** A swarm of twenty peers, of which each may have four grants, and all together 32. */
function swarm() {
  const scheduler = new SchedulerFixture()
  for (const index of range(20)) scheduler.join(`peer-${index}`)
  const open = grantsIn(scheduler.ready(1_000))
  return {
    scheduler,
    open,
    /** The oldest grants are answered that late. @returns how many blocks are granted then, for each */
    answer(count: number, tookMs: number): number[] {
      return range(count).map(() => {
        const [peer = '', block] = open.shift()?.split(':') ?? []
        const grant = scheduler.member(peer).grants.find(grant => grant.block === Number(block))
        if (grant !== undefined) grant.atMs = scheduler.nowMs - tookMs
        const effects = scheduler.have(peer, Number(block))
        open.push(...grantsIn(effects))
        return blocksGrantedIn(effects).length
      })
    },
  }
}

test('before the first answer 16 blocks are granted, and two for each that is answered soon, up to the budget', () => {
  const { answer, open, scheduler } = swarm()
  expect(open).toHaveLength(16)
  expect(answer(16, 100)).toEqual(range(16).map(() => 2))
  expect(scheduler.island().openGrants).toBe(32)
  expect(answer(3, 100)).toEqual([1, 1, 1])
})

test('while answers take longer than a second there are fewer, but eight', () => {
  const { answer, scheduler } = swarm()
  expect(answer(9, 3_000)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 1])
  expect(scheduler.island().openGrants).toBe(8)
  expect(answer(4, 3_000)).toEqual([1, 1, 1, 1])
})

test('answers that are a little late make it a little less', () => {
  const { answer, scheduler } = swarm()
  expect(answer(4, 1_250)).toEqual([0, 1, 1, 1])
  expect(scheduler.island().pace).toBe(15)
})

/** A task that has had no answer yet, in a supernode whose newest answer took 1.5 s, that long ago. `b` lacks its block 0, which `a` was granted. */
function youngTask(agoMs: number) {
  const scheduler = new SchedulerFixture()
  scheduler.join('a')
  scheduler.ready(1)
  scheduler.nowMs += 1_500
  scheduler.have('a', 0)
  scheduler.nowMs += agoMs
  const young = `sha256:${'b'.repeat(64)}` as TaskId
  scheduler.apply({ type: 'task-added', task: young, blockSizeBytes: BLOCK_BYTES })
  scheduler.apply({ type: 'peer-connected', peer: 'b', labels: {} })
  const join = (peer: string) =>
    scheduler.apply({ type: 'join', peer, task: young, have: bitfieldOf([]), wants: true, now: scheduler.nowMs })
  join('a')
  scheduler.apply({ type: 'blocks-ready', task: young, upTo: 1, now: scheduler.nowMs })
  join('b')
  /** @returns what is granted when `b` asks that much later */
  return (laterMs: number) => {
    scheduler.nowMs += laterMs
    return grantsIn(scheduler.apply({ type: 'blocked', peer: 'b', task: young, blocks: [0], now: scheduler.nowMs }))
  }
}

test('as long as a task has had no answer, the newest of the others says how long they take', () => {
  const ask = youngTask(0)
  expect(ask(2_999)).toEqual([])
  expect(ask(1)).toEqual(['b:0'])
})

test('an answer of ten seconds ago says nothing any more', () => {
  expect(youngTask(9_500)(500)).toEqual(['b:0'])
})
