import type { PeerId, ReportKind } from './event.ts'
import { dequeueMember, enqueueMember } from './grant-queue.ts'
import { cancelGrants, grantReadyBlocks } from './grants.ts'
import { countHoldings, uncountHoldings } from './inventory.ts'
import { keepApart, unlink } from './links.ts'
import { enterMesh, leaveMesh } from './mesh.ts'
import { type Outbox, sendDisconnect } from './outbox.ts'
import type { Member, Peer, SchedulerState, Standing } from './state.ts'

/** In an island of up to this many members, one report of corruption isolates: there may be nobody else to confirm it. */
const SMALL_SWARM = 3

/**
 * A member complains about a neighbour; complaints about others do not count. The two are parted, both get a replacement on the
 * next tick, and a neighbour that enough peers call corrupt is isolated in all its swarms; for a shorter time also one that stalls for
 * many at about the same time. A slow neighbour stays while the member has few: it is better than none.
 */
export function takeReport(state: SchedulerState, from: Member, about: Member, kind: ReportKind, outbox: Outbox): void {
  if (!from.neighbours.includes(about)) return
  const standing = noteReport(state, from.peer.id, about.peer.id, kind)
  if (kind !== 'stalled' || from.neighbours.length > state.config.minNeighbours) {
    unlink(from, about)
    keepApart(state, from, about)
    if (kind !== 'unreachable') sendDisconnect(outbox, from, about)
  }
  const { corruptLimit, stallLimit, isolationMs, stallIsolationMs } = state.config
  const limit = from.island.size <= SMALL_SWARM ? 1 : corruptLimit
  if (standing.corruptBy.length >= limit) isolate(state, about.peer, { standing, forMs: isolationMs }, outbox)
  else if (standing.stalls.length >= stallLimit) {
    isolate(state, about.peer, { standing, forMs: stallIsolationMs }, outbox)
  }
}

/** Whether a member has lately reported that a neighbour does not send what it was asked for. */
export function hasStalled(state: SchedulerState, neighbour: Member, member: Member): boolean {
  const stalls = state.standings.get(neighbour.peer.id)?.stalls ?? []
  return stalls.some(({ by, atMs }) => by === member.peer.id && isRecent(state, atMs))
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
  const standing = state.standings.get(about) ?? newStanding()
  state.standings.set(about, standing)
  standing.strikes++
  standing.lastReportAtMs = state.nowMs
  if (kind === 'corrupt' && !standing.corruptBy.includes(from)) standing.corruptBy.push(from)
  if (kind === 'stalled') {
    const others = standing.stalls.filter(({ by, atMs }) => by !== from && isRecent(state, atMs))
    standing.stalls = [...others, { by: from, atMs: state.nowMs }]
  }
  return standing
}

function newStanding(): Standing {
  return { corruptBy: [], stalls: [], strikes: 0, lastReportAtMs: 0, isolatedUntilMs: 0 }
}

function isRecent({ nowMs, config }: SchedulerState, atMs: number): boolean {
  return nowMs - atMs < config.stallMemoryMs
}

function isolate(
  state: SchedulerState,
  peer: Peer,
  { standing, forMs }: { readonly standing: Standing; readonly forMs: number },
  outbox: Outbox,
): void {
  standing.isolatedUntilMs = state.nowMs + forMs
  peer.isolated = true
  for (const member of peer.memberships.values()) {
    // Told to the neighbours: the isolated peer is the one not to rely on.
    for (const neighbour of member.neighbours) sendDisconnect(outbox, neighbour, member)
    leaveMesh(state, member, outbox)
    uncountHoldings(member)
    cancelGrants(member)
    dequeueMember(member.island.queue, member)
    grantReadyBlocks(state, member.island.task, outbox)
  }
}

function release(state: SchedulerState, peer: Peer, outbox: Outbox): void {
  peer.isolated = false
  for (const member of peer.memberships.values()) {
    countHoldings(state, member)
    enterMesh(state, member, outbox)
    if (member.wants) enqueueMember(member.island.queue, member)
    grantReadyBlocks(state, member.island.task, outbox)
  }
}
