import { peekBlock, popBlock, pushBlock } from './block-heap.ts'
import { trackDeadline } from './deadlines.ts'
import { firstWithRoom, requeueMember } from './grant-queue.ts'
import { holderCount } from './holders.ts'
import { budgetOf, grantableEnd, hasGrantable } from './islands.ts'
import { type Outbox, sendGrant } from './outbox.ts'
import { notePace } from './pace.ts'
import { nextRandom } from './random.ts'
import type { Grant, Island, Member, SchedulerState, Task } from './state.ts'

/*
 * Invariant: a block before the island's cursor that no member of it holds is either in `returned`, or has a grant that is
 * still to come up in `deadlines`. So no block is forgotten, and no event looks at all blocks.
 */

/** Grants what can be granted, in block order, while a member has room in its window and its island in its budget. */
export function grantReadyBlocks(state: SchedulerState, task: Task, outbox: Outbox): void {
  for (const island of task.islands.values()) if (hasGrantable(island)) grantInIsland(state, island, outbox)
}

/** Gives the block to the member, whatever its window. It must have no grant for the block. */
export function openGrant(state: SchedulerState, member: Member, block: number, outbox: Outbox): void {
  const { island } = member
  const grant: Grant = { block, member, atMs: state.nowMs, state: 'open' }
  const ofBlock = island.grants.get(block)
  if (ofBlock === undefined) island.grants.set(block, [grant])
  else ofBlock.push(grant)
  member.grants.push(grant)
  member.openGrants++
  member.given++
  member.tie = nextRandom(state.random)
  island.openGrants++
  trackDeadline(island.deadlines, grant)
  requeueMember(island.queue, member)
  sendGrant(outbox, member, block)
}

/** A member got the block: its grant is answered, and those that were waiting too long for it end with it. */
export function answerGrant(state: SchedulerState, member: Member, block: number): void {
  const { island } = member
  const ofBlock = island.grants.get(block)
  if (ofBlock === undefined) return
  for (const grant of [...ofBlock]) {
    if (grant.member === member) {
      notePace(state, island, state.nowMs - grant.atMs)
      member.missed = grant.state === 'overdue' ? Math.max(0, member.missed - 1) : 0
      closeGrant(grant)
    } else if (grant.state === 'overdue') closeGrant(grant)
  }
}

/** A member got the block, but what it holds does not count: its grant ends, and others may need the block yet. */
export function returnGrant(member: Member, block: number): void {
  const own = member.grants.find(grant => grant.block === block)
  if (own === undefined) return
  closeGrant(own)
  returnBlock(member.island, block)
}

/** An open grant was not answered in time: its member loses a place in its window, but an answer still counts. */
export function missGrant(grant: Grant): void {
  const { member } = grant
  grant.state = 'overdue'
  member.openGrants--
  member.island.openGrants--
  // One place always stays, so that a member which has recovered can show it.
  member.missed = Math.min(member.missed + 1, member.island.task.windowBlocks - 1)
  requeueMember(member.island.queue, member)
}

/** Ends all grants of a member that leaves or is isolated; their blocks become grantable again. O(window). */
export function cancelGrants(member: Member): void {
  const { island } = member
  for (const grant of [...member.grants]) {
    closeGrant(grant)
    const left = island.grants.get(grant.block) ?? []
    if (left.some(other => other.state === 'open')) continue
    for (const other of [...left]) closeGrant(other)
    returnBlock(island, grant.block)
  }
}

/** Ends a grant. What becomes of its block is the caller's. */
export function closeGrant(grant: Grant): void {
  const { member } = grant
  const { island } = member
  if (grant.state === 'open') {
    member.openGrants--
    island.openGrants--
  }
  grant.state = 'closed'
  removeFrom(member.grants, grant)
  const ofBlock = island.grants.get(grant.block)
  if (ofBlock !== undefined) {
    removeFrom(ofBlock, grant)
    if (ofBlock.length === 0) island.grants.delete(grant.block)
  }
  requeueMember(island.queue, member)
}

/** Notes that a block may have become grantable again. Cheap, and harmless when it has not. */
export function returnBlock(island: Island, block: number): void {
  if (block < island.cursor && isGrantable(island, block)) pushBlock(island.returned, block)
}

function grantInIsland(state: SchedulerState, island: Island, outbox: Outbox): void {
  while (island.openGrants < budgetOf(island)) {
    const member = firstWithRoom(island.queue)
    if (member === undefined) return
    const block = takeGrantableBlock(island)
    if (block === undefined) return
    openGrant(state, member, block, outbox)
  }
}

function takeGrantableBlock(island: Island): number | undefined {
  const { returned } = island
  for (let block = peekBlock(returned); block !== undefined; block = peekBlock(returned)) {
    popBlock(returned)
    if (isGrantable(island, block)) return block
  }
  while (island.cursor < grantableEnd(island)) {
    const block = island.cursor++
    if (isGrantable(island, block)) return block
  }
  return undefined
}

function isGrantable(island: Island, block: number): boolean {
  return holderCount(island.holders, block) === 0 && !island.grants.has(block)
}

function removeFrom(grants: Grant[], grant: Grant): void {
  const at = grants.indexOf(grant)
  if (at >= 0) grants.splice(at, 1)
}
