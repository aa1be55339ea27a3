import type { TaskId } from '../../protocol/task.ts'
import { planTask } from './plan.ts'
import type { PeerId, ReplicaEffect, ReplicaEvent, ReplicaState, ReplicatedTask } from './state.ts'

/** What an event led to. */
export interface Replicated {
  readonly state: ReplicaState
  readonly effects: readonly ReplicaEffect[]
}

/**
 * Looks after replicas: takes one event into the state, which is handed over, and says what peers shall be told. No I/O, no clock, no
 * randomness. Between two links of a peer it is asked for the same content once, unless it refused or was released meanwhile.
 */
export function applyReplicas(state: ReplicaState, event: ReplicaEvent): Replicated {
  state.nowMs = Math.max(state.nowMs, event.now)
  const effects: ReplicaEffect[] = []
  switch (event.type) {
    case 'wanted':
      want(state, event)
      plan(state, [event.task], effects)
      break
    case 'dropped':
      drop(state, event.task, effects)
      break
    case 'linked':
      link(state, event.peer, event.zone, effects)
      plan(state, state.tasks.keys(), effects)
      break
    case 'gone':
      state.keepers.delete(event.peer)
      for (const { copies } of state.tasks.values()) {
        const copy = copies.get(event.peer)
        if (copy !== undefined) copy.goneAtMs = state.nowMs
      }
      break
    case 'kept':
      keep(state, event.peer, event.task, effects)
      break
    case 'refused':
      refuse(state, event.peer, event.task)
      plan(state, [event.task], effects)
      break
    case 'tick':
      for (const task of state.tasks.values()) expire(state, task)
      plan(state, state.tasks.keys(), effects)
  }
  return { state, effects }
}

function want(state: ReplicaState, { task: id, count, known }: Extract<ReplicaEvent, { type: 'wanted' }>): void {
  const task = state.tasks.get(id)
  if (task !== undefined) {
    task.wanted = count
    return
  }
  const settledAtMs = known ? state.nowMs + state.config.graceMs : state.nowMs
  state.tasks.set(id, { id, wanted: count, copies: new Map(), refusals: new Map(), settledAtMs })
}

function drop(state: ReplicaState, id: TaskId, effects: ReplicaEffect[]): void {
  for (const [peer, { goneAtMs }] of state.tasks.get(id)?.copies ?? []) {
    // One that is gone says what it keeps when it comes back, and is told then.
    if (goneAtMs === undefined) effects.push({ type: 'release', peer, task: id })
  }
  state.tasks.delete(id)
}

function link(state: ReplicaState, peer: PeerId, zone: string, effects: ReplicaEffect[]): void {
  state.keepers.set(peer, { id: peer, zone })
  for (const { id, copies } of state.tasks.values()) {
    const copy = copies.get(peer)
    if (copy === undefined) continue
    // It may have lost what it was doing, or what it had.
    copies.set(peer, { state: 'asked', zone, goneAtMs: undefined })
    effects.push({ type: 'keep', peer, task: id })
  }
}

function keep(state: ReplicaState, peer: PeerId, id: TaskId, effects: ReplicaEffect[]): void {
  const keeper = state.keepers.get(peer)
  if (keeper === undefined) return
  const task = state.tasks.get(id)
  if (task === undefined) {
    effects.push({ type: 'release', peer, task: id })
    return
  }
  task.copies.set(peer, { state: 'kept', zone: keeper.zone, goneAtMs: undefined })
  task.refusals.delete(peer)
  plan(state, [id], effects)
}

function refuse(state: ReplicaState, peer: PeerId, id: TaskId): void {
  const task = state.tasks.get(id)
  if (task === undefined || !state.keepers.has(peer)) return
  task.copies.delete(peer)
  task.refusals.set(peer, state.nowMs + state.config.retryMs)
}

function expire({ nowMs, config }: ReplicaState, { copies, refusals }: ReplicatedTask): void {
  for (const [peer, { goneAtMs }] of copies) {
    if (goneAtMs !== undefined && nowMs - goneAtMs >= config.graceMs) copies.delete(peer)
  }
  for (const [peer, untilMs] of refusals) if (untilMs <= nowMs) refusals.delete(peer)
}

function plan(state: ReplicaState, ids: Iterable<TaskId>, effects: ReplicaEffect[]): void {
  let burdens: Map<PeerId, number> | undefined
  for (const id of ids) {
    const task = state.tasks.get(id)
    if (task === undefined || task.copies.size === task.wanted) continue
    const counted = burdens ?? burdensOf(state)
    burdens = counted
    const view = {
      nowMs: state.nowMs,
      keepers: state.keepers.values(),
      burdenOf: (peer: PeerId) => counted.get(peer) ?? 0,
    }
    const { keep, release } = planTask(task, view)
    for (const { id: peer, zone } of keep) {
      task.copies.set(peer, { state: 'asked', zone, goneAtMs: undefined })
      counted.set(peer, (counted.get(peer) ?? 0) + 1)
      effects.push({ type: 'keep', peer, task: id })
    }
    for (const peer of release) {
      const linked = task.copies.get(peer)?.goneAtMs === undefined
      task.copies.delete(peer)
      counted.set(peer, (counted.get(peer) ?? 1) - 1)
      if (linked) effects.push({ type: 'release', peer, task: id })
    }
  }
}

function burdensOf({ tasks }: ReplicaState): Map<PeerId, number> {
  const burdens = new Map<PeerId, number>()
  for (const { copies } of tasks.values()) {
    for (const peer of copies.keys()) burdens.set(peer, (burdens.get(peer) ?? 0) + 1)
  }
  return burdens
}
