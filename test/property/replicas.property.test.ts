import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { TaskId } from '../../protocol/task.ts'
import { applyReplicas } from '../../supernode/replicas/apply.ts'
import { createReplicaState, type ReplicaEvent } from '../../supernode/replicas/state.ts'

const TASKS = ['a', 'b', 'c'].map(letter => `sha256:${letter.repeat(64)}` as TaskId)
const PEERS = ['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6']
const ZONES = ['', 'x', 'y']
const CONFIG = { graceMs: 1_000, retryMs: 3_000 }

type Step =
  | { readonly do: 'want'; readonly task: TaskId; readonly count: number }
  | { readonly do: 'drop'; readonly task: TaskId }
  | { readonly do: 'link'; readonly peer: string; readonly zone: string }
  | { readonly do: 'part' | 'fetch' | 'refuse'; readonly peer: string }
  | { readonly do: 'wait'; readonly ms: number }

const task = fc.constantFrom(...TASKS)
const peer = fc.constantFrom(...PEERS)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('want' as const), task, count: fc.integer({ min: 0, max: 5 }) }),
  fc.record({ do: fc.constant('drop' as const), task }),
  fc.record({ do: fc.constant('link' as const), peer, zone: fc.constantFrom(...ZONES) }),
  fc.record({ do: fc.constantFrom('part' as const, 'fetch' as const, 'refuse' as const), peer }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 2_000 }) }),
)

/** Peers that do what they are told, some of the time, and a planner that tells them. */
function createWorld() {
  let state = createReplicaState(CONFIG)
  let now = 0
  const linked = new Set<string>()
  /** What each peer has been asked for on this link and has not answered. */
  const asked = new Map<string, Set<TaskId>>()
  /** What each peer keeps, also while it is away. */
  const kept = new Map<string, Set<TaskId>>(PEERS.map(id => [id, new Set()]))

  function tell(event: ReplicaEvent): void {
    const { state: next, effects } = applyReplicas(state, event)
    state = next
    for (const { type, peer: id, task: of } of effects) {
      expect(linked.has(id), `${id} is told, and is not linked`).toBe(true)
      if (type === 'keep') {
        expect(asked.get(id)?.has(of), `${id} is asked twice`).toBe(false)
        asked.get(id)?.add(of)
      } else {
        asked.get(id)?.delete(of)
        kept.get(id)?.delete(of)
      }
    }
    for (const known of state.tasks.values()) {
      expect(known.copies.size, 'more copies than are wanted').toBeLessThanOrEqual(known.wanted)
    }
  }

  function link(id: string, zone: string): void {
    if (linked.has(id)) return
    linked.add(id)
    asked.set(id, new Set())
    tell({ type: 'linked', peer: id, zone, now })
    for (const of of [...(kept.get(id) ?? [])]) {
      asked.get(id)?.delete(of)
      tell({ type: 'kept', peer: id, task: of, now })
    }
  }

  function answer(id: string, type: 'kept' | 'refused'): void {
    if (!linked.has(id)) return
    for (const of of [...(asked.get(id) ?? [])]) {
      asked.get(id)?.delete(of)
      if (type === 'kept') kept.get(id)?.add(of)
      else kept.get(id)?.delete(of)
      tell({ type, peer: id, task: of, now })
    }
  }

  function take(given: Step): void {
    if (given.do === 'want') tell({ type: 'wanted', task: given.task, count: given.count, known: false, now })
    else if (given.do === 'drop') tell({ type: 'dropped', task: given.task, now })
    else if (given.do === 'link') link(given.peer, given.zone)
    else if (given.do === 'fetch') answer(given.peer, 'kept')
    else if (given.do === 'refuse') answer(given.peer, 'refused')
    else if (given.do === 'wait') {
      now += given.ms
      tell({ type: 'tick', now })
    } else if (linked.delete(given.peer)) tell({ type: 'gone', peer: given.peer, now })
  }

  return {
    take,
    linked,
    keepersOf: (of: TaskId) => [...linked].filter(id => kept.get(id)?.has(of)),
    tasks: () => [...state.tasks.values()],
  }
}

test('nobody is asked twice, never more than wanted are asked, and what is wanted is reached when enough peers are there', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), steps => {
      const world = createWorld()
      for (const each of steps) world.take(each)
      // From here on all goes well.
      world.take({ do: 'wait', ms: CONFIG.retryMs })
      for (let round = 0; round < 3; round++) for (const id of PEERS) world.take({ do: 'fetch', peer: id })
      for (const { id, wanted } of world.tasks()) {
        expect(world.keepersOf(id)).toHaveLength(Math.min(wanted, world.linked.size))
      }
    }),
    { numRuns: 500 },
  )
})

test('nothing that was dropped is kept by a linked peer', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const world = createWorld()
      for (const each of steps) world.take(each)
      for (const id of PEERS) world.take({ do: 'fetch', peer: id })
      for (const of of TASKS) world.take({ do: 'drop', task: of })
      for (const of of TASKS) expect(world.keepersOf(of)).toEqual([])
    }),
    { numRuns: 200 },
  )
})
