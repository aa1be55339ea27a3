import { unblock } from './blocked.ts'
import type { SchedulerEffect } from './effect.ts'
import type { Labels, PeerId, SchedulerEvent } from './event.ts'
import { grantReadyBlocks } from './grants.ts'
import { feed } from './hungry.ts'
import { addBlocks, dropBlocks, isBlockIndex } from './inventory.ts'
import { forgive, isIsolated, takeReport } from './isolation.ts'
import { helpLaggards, noteGain } from './laggards.ts'
import { refillLonely } from './lonely.ts'
import { createOutbox, type Outbox, outboxEffects } from './outbox.ts'
import { expireGrants } from './regrants.ts'
import { ringPositions } from './rings.ts'
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
    default: {
      const task = state.tasks.get(event.task)
      if (task !== undefined) handleInTask(state, task, event, outbox)
    }
  }
}

type TaskEvent = Exclude<SchedulerEvent, { readonly type: 'peer-connected' | 'peer-gone' | 'task-added' | 'tick' }>

function handleInTask(state: SchedulerState, task: Task, event: TaskEvent, outbox: Outbox): void {
  switch (event.type) {
    case 'task-dropped':
      for (const { peer } of task.members.values()) peer.memberships.delete(task.id)
      state.tasks.delete(task.id)
      break
    case 'blocks-ready':
      if (!isBlockIndex(state, event.upTo - 1)) return
      task.readyBlocks = Math.max(task.readyBlocks, event.upTo)
      grantReadyBlocks(state, task, outbox)
      break
    case 'join': {
      const peer = state.peers.get(event.peer)
      if (peer === undefined) return
      joinSwarm(state, task, peer, event, outbox)
      grantReadyBlocks(state, task, outbox)
      break
    }
    default: {
      const member = task.members.get(event.type === 'report' ? event.from : event.peer)
      if (member === undefined) return
      handleOfMember(state, member, event, outbox)
      grantReadyBlocks(state, task, outbox)
    }
  }
}

type MemberEvent = Exclude<TaskEvent, { readonly type: 'task-dropped' | 'blocks-ready' | 'join' }>

function handleOfMember(state: SchedulerState, member: Member, event: MemberEvent, outbox: Outbox): void {
  switch (event.type) {
    case 'leave':
      leaveSwarm(state, member, outbox)
      break
    case 'have': {
      const before = member.have.count
      addBlocks(state, member, event.blocks)
      noteGain(state, member, member.have.count - before)
      break
    }
    case 'lost':
      dropBlocks(state, member, event.blocks)
      break
    case 'blocked':
      // One that is isolated gets what its reader waits for; the rest comes from what is to spare.
      for (const block of member.peer.isolated ? event.blocks.slice(0, 1) : event.blocks) {
        unblock(state, member, block, outbox)
      }
      break
    case 'hungry':
      feed(state, member, event.blocks, outbox)
      break
    case 'report': {
      const about = member.island.task.members.get(event.about)
      if (about !== undefined) takeReport(state, member, about, event.kind, outbox)
    }
  }
}

function connectPeer(state: SchedulerState, id: PeerId, labels: Labels, outbox: Outbox): void {
  losePeer(state, id, outbox)
  const positions = ringPositions(id, state.config.rings)
  state.peers.set(id, { id, labels, positions, memberships: new Map(), isolated: isIsolated(state, id) })
}

function losePeer(state: SchedulerState, id: PeerId, outbox: Outbox): void {
  const peer = state.peers.get(id)
  if (peer === undefined) return
  state.peers.delete(id)
  for (const member of peer.memberships.values()) {
    leaveSwarm(state, member, outbox)
    grantReadyBlocks(state, member.island.task, outbox)
  }
}

function tick(state: SchedulerState, outbox: Outbox): void {
  forgive(state, outbox)
  for (const task of state.tasks.values()) {
    for (const island of task.islands.values()) expireGrants(state, island, outbox)
    grantReadyBlocks(state, task, outbox)
    for (const island of task.islands.values()) {
      refillLonely(state, island, outbox)
      helpLaggards(state, island, outbox)
    }
  }
}
