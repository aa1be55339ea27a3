import { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Priority } from './event.ts'
import { dequeueMember, enqueueMember, requeueMember } from './grant-queue.ts'
import { cancelGrants } from './grants.ts'
import { addBlocks, dropBlocks, uncountHoldings } from './inventory.ts'
import { abandonIsland, islandFor } from './islands.ts'
import { enterMesh, leaveMesh, meetRingNeighbours } from './mesh.ts'
import type { Outbox } from './outbox.ts'
import { nextRandom } from './random.ts'
import type { Member, Peer, SchedulerState, Task } from './state.ts'

/** What a member says about itself when it joins. */
export interface Entry {
  readonly have: Bitfield
  readonly wants: boolean
  readonly priority?: Priority | undefined
}

/** A task without members. */
export function createTask(state: SchedulerState, id: TaskId, blockSizeBytes: number): Task {
  const { grantWindowBytes, maxGrantedBytes, minGrantedBlocks, lookaheadBytes } = state.config
  return {
    id,
    windowBlocks: Math.max(2, Math.floor(grantWindowBytes / blockSizeBytes)),
    budgetBlocks: Math.max(minGrantedBlocks, Math.floor(maxGrantedBytes / blockSizeBytes)),
    lookaheadBlocks: Math.max(2 * minGrantedBlocks, Math.floor(lookaheadBytes / blockSizeBytes)),
    readyBlocks: 0,
    members: new Map(),
    islands: new Map(),
  }
}

/** Takes a peer into a swarm and gives it neighbours. */
export function joinSwarm(state: SchedulerState, task: Task, peer: Peer, entry: Entry, outbox: Outbox): void {
  const known = task.members.get(peer.id)
  if (known !== undefined) {
    rejoin(state, known, entry, outbox)
    return
  }
  const island = islandFor(state, task, peer.labels.zone)
  const member: Member = {
    peer,
    island,
    wants: entry.wants,
    background: entry.priority === 'background',
    have: new Bitfield(),
    neighbours: [],
    grants: [],
    openGrants: 0,
    missed: 0,
    given: 0,
    lags: false,
    tie: nextRandom(state.random),
    queueAt: -1,
    avoid: undefined,
    hungryAtMs: Number.NEGATIVE_INFINITY,
    hungrySinceMs: 0,
    joinedAtMs: state.nowMs,
    gainedAtMs: state.nowMs,
    blocksPerMs: 0,
    blockedSince: undefined,
  }
  island.size++
  task.members.set(peer.id, member)
  peer.memberships.set(task.id, member)
  addBlocks(state, member, [...entry.have])
  if (!peer.isolated) {
    enterMesh(state, member, outbox)
    if (entry.wants) enqueueMember(island.queue, member)
  }
}

/** Takes a peer out of a swarm. What only it held becomes grantable again. */
export function leaveSwarm(state: SchedulerState, member: Member, outbox: Outbox): void {
  const { peer, island } = member
  island.task.members.delete(peer.id)
  peer.memberships.delete(island.task.id)
  leaveMesh(state, member, outbox)
  island.lonely.delete(member)
  island.hungry.delete(member)
  dequeueMember(island.queue, member)
  if (!peer.isolated) uncountHoldings(member)
  cancelGrants(member)
  island.size--
  abandonIsland(island)
}

/** A member says anew what it holds and wants; its neighbours stay. */
function rejoin(state: SchedulerState, member: Member, { have, wants, priority }: Entry, outbox: Outbox): void {
  const { queue } = member.island
  addBlocks(state, member, [...have])
  dropBlocks(
    state,
    member,
    [...member.have].filter(block => !have.has(block)),
  )
  member.background = priority === 'background'
  requeueMember(queue, member)
  if (wants === member.wants) return
  member.wants = wants
  if (!wants) {
    dequeueMember(queue, member)
    cancelGrants(member)
  } else if (!member.peer.isolated) {
    enqueueMember(queue, member)
    meetRingNeighbours(state, member, outbox)
  }
}
