import { unblock } from './blocked.ts'
import type { SchedulerEffect } from './effect.ts'
import type { Labels, PeerId, SchedulerEvent } from './event.ts'
import { expireGrants, grantReadyBlocks } from './grants.ts'
import { addBlocks, dropBlocks, isBlockIndex } from './inventory.ts'
import { forgive, isIsolated, takeReport } from './isolation.ts'
import { refillLonely } from './neighbours.ts'
import { createOutbox, type Outbox, outboxEffects } from './outbox.ts'
import type { Member, SchedulerState, Task } from './state.ts'
import { createTask, joinSwarm, leaveSwarm } from './swarm.ts'

/** What an event led to. */
export interface Applied {
  readonly state: SchedulerState
  readonly effects: readonly SchedulerEffect[]
}

/**
 * The scheduler: takes one event into the state and says what peers shall be told. No I/O, no clock, no randomness but the
 * state's own: the same events and seed give the same effects.
 *
 * The state is handed over. It may be changed in place, so the caller uses only the one that is returned, and changes nothing
 * in it. Never throws for an event that the schemas of the control protocol let through.
 */
export function apply(state: SchedulerState, event: SchedulerEvent): Applied {
  const outbox = createOutbox()
  if ('now' in event) state.nowMs = Math.max(state.nowMs, event.now)
  handle(state, event, outbox)
  return { state, effects: outboxEffects(outbox) }
}

function handle(state: SchedulerState, event: SchedulerEvent, outbox: Outbox): void {
  switch (event.type) {
    case 'peer-connected':
      connectPeer(state, event.peer, event.labels, outbox)
      break
    case 'peer-gone':
      losePeer(state, event.peer, outbox)
      break
    case 'task-added':
      if (!state.tasks.has(event.task)) {
        state.tasks.set(event.task, createTask(state, event.task, event.blockSizeBytes))
      }
      break
    case 'tick':
      tick(state, outbox)
      break
    default:
      handleInTask(state, event, outbox)
      break
  }
}

type TaskEvent = Exclude<SchedulerEvent, { readonly type: 'peer-connected' | 'peer-gone' | 'task-added' | 'tick' }>

function handleInTask(state: SchedulerState, event: TaskEvent, outbox: Outbox): void {
  const task = state.tasks.get(event.task)
  if (task === undefined) return
  switch (event.type) {
    case 'task-dropped':
      for (const { peer } of task.roster) peer.memberships.delete(task.id)
      state.tasks.delete(task.id)
      return
    case 'blocks-ready':
      if (isBlockIndex(state, event.upTo - 1)) task.readyBlocks = Math.max(task.readyBlocks, event.upTo)
      break
    case 'join': {
      const peer = state.peers.get(event.peer)
      if (peer !== undefined) joinSwarm(state, task, peer, event.have, event.wants, outbox)
      break
    }
    case 'report': {
      const from = task.members.get(event.from)
      const about = task.members.get(event.about)
      if (from !== undefined && about !== undefined) takeReport(state, task, from, about, event.kind, outbox)
      break
    }
    default: {
      const member = task.members.get(event.peer)
      if (member !== undefined) handleOfMember(state, task, member, event, outbox)
    }
  }
  grantReadyBlocks(state, task, outbox)
}

type MemberEvent = Extract<TaskEvent, { readonly type: 'leave' | 'have' | 'lost' | 'blocked' }>

function handleOfMember(state: SchedulerState, task: Task, member: Member, event: MemberEvent, outbox: Outbox): void {
  switch (event.type) {
    case 'leave':
      leaveSwarm(state, task, member)
      break
    case 'have':
      addBlocks(state, task, member, event.blocks)
      break
    case 'lost':
      dropBlocks(state, task, member, event.blocks)
      break
    case 'blocked':
      for (const block of event.blocks) unblock(state, task, member, block, outbox)
  }
}

function connectPeer(state: SchedulerState, id: PeerId, labels: Labels, outbox: Outbox): void {
  losePeer(state, id, outbox)
  state.peers.set(id, { id, labels, memberships: new Map(), isolated: isIsolated(state, id) })
}

function losePeer(state: SchedulerState, id: PeerId, outbox: Outbox): void {
  const peer = state.peers.get(id)
  if (peer === undefined) return
  state.peers.delete(id)
  for (const [taskId, member] of peer.memberships) {
    const task = state.tasks.get(taskId)
    if (task === undefined) continue
    leaveSwarm(state, task, member)
    grantReadyBlocks(state, task, outbox)
  }
}

function tick(state: SchedulerState, outbox: Outbox): void {
  forgive(state, outbox)
  for (const task of state.tasks.values()) {
    expireGrants(state, task, outbox)
    grantReadyBlocks(state, task, outbox)
    refillLonely(state, task, outbox)
  }
}
