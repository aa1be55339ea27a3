import { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'
import { createBlockHeap } from './block-heap.ts'
import { dequeueMember, enqueueMember } from './grant-queue.ts'
import { cancelGrants } from './grants.ts'
import { createHolders } from './holders.ts'
import { addBlocks, dropBlocks, uncountHoldings } from './inventory.ts'
import { introduce, unlinkAll } from './neighbours.ts'
import type { Outbox } from './outbox.ts'
import { nextRandom } from './random.ts'
import { enrol, strikeOff } from './roster.ts'
import type { Member, Peer, SchedulerState, Task } from './state.ts'

/** A swarm without members. */
export function createTask(state: SchedulerState, id: TaskId, blockSizeBytes: number): Task {
  const windowBlocks = Math.max(2, Math.floor(state.config.grantWindowBytes / blockSizeBytes))
  return {
    id,
    windowBlocks,
    budgetBlocks: Math.max(windowBlocks, Math.floor(state.config.maxGrantedBytes / blockSizeBytes)),
    readyBlocks: 0,
    cursor: 0,
    returned: createBlockHeap(),
    members: new Map(),
    roster: [],
    zones: new Map(),
    queue: [],
    lonely: new Set(),
    holders: createHolders(),
    grants: new Map(),
    openGrants: 0,
    deadlines: [],
    deadlinesFrom: 0,
    answerMs: 0,
    edges: 0,
  }
}

/** Takes a peer into a swarm and gives it neighbours. */
export function joinSwarm(
  state: SchedulerState,
  task: Task,
  peer: Peer,
  have: Bitfield,
  wants: boolean,
  outbox: Outbox,
): void {
  const known = task.members.get(peer.id)
  if (known !== undefined) {
    rejoin(state, task, known, have, wants, outbox)
    return
  }
  const member: Member = {
    peer,
    wants,
    have: new Bitfield(),
    neighbours: [],
    grants: [],
    openGrants: 0,
    missed: 0,
    tie: nextRandom(state.random),
    queueAt: -1,
    rosterAt: -1,
    zoneAt: -1,
    avoid: undefined,
    blockedSince: undefined,
  }
  addBlocks(state, task, member, have)
  introduce(state, task, member, outbox)
  task.members.set(peer.id, member)
  peer.memberships.set(task.id, member)
  enrol(task, member)
  if (wants && !peer.isolated) enqueueMember(task.queue, member)
}

/** Takes a peer out of a swarm. What only it held becomes grantable again. */
export function leaveSwarm(state: SchedulerState, task: Task, member: Member): void {
  unlinkAll(state, task, member)
  strikeOff(task, member)
  dequeueMember(task.queue, member)
  task.members.delete(member.peer.id)
  member.peer.memberships.delete(task.id)
  task.lonely.delete(member)
  if (!member.peer.isolated) uncountHoldings(task, member)
  cancelGrants(task, member)
}

/** A member says anew what it holds and wants; its neighbours stay. */
function rejoin(
  state: SchedulerState,
  task: Task,
  member: Member,
  have: Bitfield,
  wants: boolean,
  outbox: Outbox,
): void {
  addBlocks(state, task, member, have)
  dropBlocks(
    state,
    task,
    member,
    [...member.have].filter(block => !have.has(block)),
  )
  if (wants === member.wants) return
  member.wants = wants
  if (!wants) {
    dequeueMember(task.queue, member)
    cancelGrants(task, member)
  } else if (!member.peer.isolated) {
    enqueueMember(task.queue, member)
    if (member.neighbours.length < state.config.minNeighbours) introduce(state, task, member, outbox)
  }
}
