import { expect, test } from 'vitest'
import type { TaskId } from '../../../../protocol/task.ts'
import { applyReplicas } from '../../../../supernode/replicas/apply.ts'
import {
  countCopies,
  createReplicaState,
  type ReplicaEvent,
  type ReplicaState,
} from '../../../../supernode/replicas/state.ts'

const TASK = `sha256:${'a'.repeat(64)}` as TaskId
const OTHER = `sha256:${'b'.repeat(64)}` as TaskId
const GRACE_MS = 1_000
const RETRY_MS = 5_000

/** Something that happens, at no time. */
type Happening = ReplicaEvent extends infer Each ? (Each extends ReplicaEvent ? Omit<Each, 'now'> : never) : never

/** A planner, and what it has said: `keep a`, `release b`. */
function createPlanner() {
  let state: ReplicaState = createReplicaState({ graceMs: GRACE_MS, retryMs: RETRY_MS })
  let now = 0
  return {
    get counts() {
      const task = state.tasks.get(TASK)
      return task === undefined ? undefined : countCopies(task)
    },
    wait(byMs: number): string[] {
      now += byMs
      return this.tell({ type: 'tick' })
    },
    tell(...events: Happening[]): string[] {
      return events.flatMap(event => {
        const { state: next, effects } = applyReplicas(state, { ...event, now } as ReplicaEvent)
        state = next
        return effects.map(({ type, peer, task }) => `${type} ${peer}${task === TASK ? '' : ' other'}`)
      })
    },
  }
}

const linked = (peer: string, zone = ''): Happening => ({ type: 'linked', peer, zone })
const wanted = (count: number, task = TASK, known = false): Happening => ({ type: 'wanted', task, count, known })
const kept = (peer: string): Happening => ({ type: 'kept', peer, task: TASK })
const gone = (peer: string): Happening => ({ type: 'gone', peer })
const refused = (peer: string): Happening => ({ type: 'refused', peer, task: TASK })

test('as many are asked as are wanted, once each', () => {
  const planner = createPlanner()
  expect(planner.tell(linked('a'), linked('b'), linked('c'))).toEqual([])
  expect(planner.tell(wanted(2))).toEqual(['keep a', 'keep b'])
  expect(planner.tell(wanted(2), kept('a'), kept('b'))).toEqual([])
  expect(planner.wait(60_000)).toEqual([])
  expect(planner.counts).toEqual({ kept: 2, underWay: 0 })
})

test('peers that link later are asked for what is still wanted', () => {
  const planner = createPlanner()
  expect(planner.tell(wanted(2))).toEqual([])
  expect(planner.tell(linked('a'), linked('b'), linked('c'))).toEqual(['keep a', 'keep b'])
})

test('copies are spread over zones, and over the peers of a zone', () => {
  const planner = createPlanner()
  planner.tell(linked('a1', 'a'), linked('a2', 'a'), linked('a3', 'a'), linked('b1', 'b'))
  expect(planner.tell(wanted(2))).toEqual(['keep a1', 'keep b1'])
  expect(planner.tell(wanted(2, OTHER))).toEqual(['keep a2 other', 'keep b1 other'])
  expect(planner.tell(wanted(3))).toEqual(['keep a3'])
})

test('whoever refuses is not asked again for a while, and another is', () => {
  const planner = createPlanner()
  expect(planner.tell(linked('a'), linked('b'), wanted(1))).toEqual(['keep a'])
  expect(planner.tell(refused('a'))).toEqual(['keep b'])
  expect(planner.tell(refused('b'))).toEqual([])
  expect(planner.wait(RETRY_MS - 1)).toEqual([])
  expect(planner.wait(1)).toEqual(['keep a'])
})

test('a copy whose peer is gone counts for a while, then another is made', () => {
  const planner = createPlanner()
  planner.tell(linked('a'), linked('b'), wanted(1), kept('a'))
  expect(planner.tell(gone('a'))).toEqual([])
  expect(planner.wait(GRACE_MS - 1)).toEqual([])
  expect(planner.counts).toEqual({ kept: 0, underWay: 0 })
  expect(planner.wait(1)).toEqual(['keep b'])
  planner.tell(kept('b'))
  expect(planner.tell(linked('a'))).toEqual([])
  // It says what it has kept, which is one too many.
  expect(planner.tell(kept('a'))).toEqual(['release a'])
})

test('a peer that is back in time is asked again, as it may have lost what it was doing', () => {
  const planner = createPlanner()
  planner.tell(linked('a'), wanted(1), gone('a'))
  expect(planner.tell(linked('a'))).toEqual(['keep a'])
})

test('fewer wanted: those that are not here yet go first, then those of the fullest zone', () => {
  const planner = createPlanner()
  planner.tell(linked('a1', 'a'), linked('a2', 'a'), linked('b1', 'b'), linked('c1', 'c'), wanted(4))
  planner.tell(kept('a1'), kept('a2'), kept('b1'))
  expect(planner.tell(wanted(3))).toEqual(['release c1'])
  expect(planner.tell(wanted(2))).toEqual(['release a1'])
  expect(planner.tell(wanted(0)).toSorted()).toEqual(['release a2', 'release b1'])
})

test('what is dropped is released, also by peers that come back later', () => {
  const planner = createPlanner()
  planner.tell(linked('a'), linked('b'), wanted(2), kept('a'), kept('b'), gone('b'))
  expect(planner.tell({ type: 'dropped', task: TASK })).toEqual(['release a'])
  expect(planner.tell(linked('b'), kept('b'))).toEqual(['release b'])
})

test('after a start, those that have kept it may say so before anybody is asked', () => {
  const planner = createPlanner()
  expect(planner.tell(wanted(1, TASK, true), linked('a'), linked('b'))).toEqual([])
  expect(planner.tell(kept('b'))).toEqual([])
  expect(planner.wait(GRACE_MS)).toEqual([])
  expect(planner.tell(wanted(2))).toEqual(['keep a'])
})

test('what a peer says that keeps no replicas is passed over', () => {
  const planner = createPlanner()
  expect(planner.tell(wanted(1), kept('x'), refused('x'), gone('x'))).toEqual([])
  expect(planner.counts).toEqual({ kept: 0, underWay: 0 })
})
