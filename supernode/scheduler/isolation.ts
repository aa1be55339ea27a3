import type { PeerId, ReportKind } from './event.ts'
import { dequeueMember, enqueueMember } from './grant-queue.ts'
import { cancelGrants, grantReadyBlocks } from './grants.ts'
import { countHoldings, uncountHoldings } from './inventory.ts'
import { addNeighbours, keepApart, markIfLonely, unlink, unlinkAll } from './neighbours.ts'
import { type Outbox, sendDisconnect } from './outbox.ts'
import type { Member, Peer, SchedulerState, Standing, Task } from './state.ts'

/** In a swarm of up to this many members, one report of corruption isolates: there may be nobody else to confirm it. */
const SMALL_SWARM = 3

/**
 * A member complains about a neighbour; complaints about others do not count. The two are parted, the complainer gets a
 * replacement, and a neighbour that enough peers call corrupt is isolated in all its swarms. A slow neighbour stays while the
 * member has few: it is better than none.
 */
export function takeReport(
  state: SchedulerState,
  task: Task,
  from: Member,
  about: Member,
  kind: ReportKind,
  outbox: Outbox,
): void {
  if (!from.neighbours.includes(about)) return
  const standing = noteReport(state, from.peer.id, about.peer.id, kind)
  if (kind !== 'stalled' || from.neighbours.length > state.config.minNeighbours) {
    unlink(state, task, from, about)
    keepApart(state, from, about)
    if (kind !== 'unreachable') sendDisconnect(outbox, task, from, about)
  }
  const limit = task.members.size <= SMALL_SWARM ? 1 : state.config.corruptLimit
  if (standing.corruptBy.length >= limit) isolate(state, about.peer, standing, outbox)
  addNeighbours(state, task, from, 1, outbox)
}

/** Whether the peer is isolated now, connected or not. */
export function isIsolated(state: SchedulerState, peer: PeerId): boolean {
  return (state.standings.get(peer)?.isolatedUntilMs ?? 0) > 0
}

/** Ends isolation where its time is over, and forgets old reports. O(peers with something against them). */
export function forgive(state: SchedulerState, outbox: Outbox): void {
  for (const [id, standing] of state.standings) {
    if (standing.isolatedUntilMs > 0) {
      if (standing.isolatedUntilMs > state.nowMs) continue
      state.standings.delete(id)
      const peer = state.peers.get(id)
      if (peer !== undefined) release(state, peer, outbox)
    } else if (standing.lastReportAtMs + state.config.forgivenessMs <= state.nowMs) state.standings.delete(id)
  }
}

function noteReport(state: SchedulerState, from: PeerId, about: PeerId, kind: ReportKind): Standing {
  const standing = state.standings.get(about) ?? { corruptBy: [], strikes: 0, lastReportAtMs: 0, isolatedUntilMs: 0 }
  state.standings.set(about, standing)
  standing.strikes++
  standing.lastReportAtMs = state.nowMs
  if (kind === 'corrupt' && !standing.corruptBy.includes(from)) standing.corruptBy.push(from)
  return standing
}

function isolate(state: SchedulerState, peer: Peer, standing: Standing, outbox: Outbox): void {
  standing.isolatedUntilMs = state.nowMs + state.config.isolationMs
  peer.isolated = true
  for (const [taskId, member] of peer.memberships) {
    const task = state.tasks.get(taskId)
    if (task === undefined) continue
    // Told to the neighbours: the isolated peer is the one not to rely on.
    for (const neighbour of member.neighbours) sendDisconnect(outbox, task, neighbour, member)
    unlinkAll(state, task, member)
    uncountHoldings(task, member)
    cancelGrants(task, member)
    dequeueMember(task.queue, member)
    grantReadyBlocks(state, task, outbox)
  }
}

function release(state: SchedulerState, peer: Peer, outbox: Outbox): void {
  peer.isolated = false
  for (const [taskId, member] of peer.memberships) {
    const task = state.tasks.get(taskId)
    if (task === undefined) continue
    countHoldings(state, task, member)
    if (member.wants) enqueueMember(task.queue, member)
    markIfLonely(state, task, member)
    grantReadyBlocks(state, task, outbox)
  }
}
