import { peekBlock, popBlock, pushBlock } from './block-heap.ts'
import { dequeueMember, enqueueMember, grantLoad, requeueMember } from './grant-queue.ts'
import { holderCount } from './holders.ts'
import { type Outbox, sendGrant } from './outbox.ts'
import { nextRandom } from './random.ts'
import type { Grant, Member, SchedulerState, Task } from './state.ts'

/*
 * Invariant: a block before the task's cursor that no member holds is either in `returned`, or has a grant that is still to
 * come up in `deadlines`. So no block is forgotten, and no event looks at all blocks.
 */

/** Grants what can be granted, in block order, while a member has room in its window and the task in its budget. */
export function grantReadyBlocks(state: SchedulerState, task: Task, outbox: Outbox): void {
  while (task.openGrants < task.budgetBlocks) {
    const member = task.queue[0]
    if (member === undefined || grantLoad(member) >= task.windowBlocks) return
    const block = takeGrantableBlock(task)
    if (block === undefined) return
    openGrant(state, task, member, block, outbox)
  }
}

/** Gives the block to the member, whatever its window. It must have no grant for the block. */
export function openGrant(state: SchedulerState, task: Task, member: Member, block: number, outbox: Outbox): void {
  const grant: Grant = { block, member, atMs: state.nowMs, state: 'open' }
  const ofBlock = task.grants.get(block)
  if (ofBlock === undefined) task.grants.set(block, [grant])
  else ofBlock.push(grant)
  member.grants.push(grant)
  member.openGrants++
  member.tie = nextRandom(state.random)
  task.openGrants++
  task.deadlines.push(grant)
  requeueMember(task.queue, member)
  sendGrant(outbox, task, member, block)
}

/** A member got the block: its grant is answered, and those that were waiting too long for it end with it. */
export function answerGrant(state: SchedulerState, task: Task, member: Member, block: number): void {
  const ofBlock = task.grants.get(block)
  if (ofBlock === undefined) return
  for (const grant of [...ofBlock]) {
    if (grant.member === member) {
      task.answerMs += (state.nowMs - grant.atMs - task.answerMs) / 8
      member.missed = grant.state === 'overdue' ? Math.max(0, member.missed - 1) : 0
      closeGrant(task, grant)
    } else if (grant.state === 'overdue') closeGrant(task, grant)
  }
}

/**
 * Gives the block once more, to a member that asks for it. One that was given it before and let it go overdue comes last: as
 * long as another has room, that one gets it, so that members which never fetch cannot keep a block from the swarm.
 */
export function grantAgain(state: SchedulerState, task: Task, member: Member, block: number, outbox: Outbox): void {
  const own = member.grants.find(grant => grant.block === block)
  if (own?.state === 'open') return
  const other = own === undefined ? undefined : firstWithRoom(task, task.grants.get(block) ?? [])
  if (own !== undefined && other === undefined) closeGrant(task, own)
  openGrant(state, task, other ?? member, block, outbox)
}

/** Ends all grants of a member that leaves or is isolated; their blocks become grantable again. O(window). */
export function cancelGrants(task: Task, member: Member): void {
  for (const grant of [...member.grants]) {
    closeGrant(task, grant)
    const left = task.grants.get(grant.block) ?? []
    if (left.some(other => other.state === 'open')) continue
    for (const other of [...left]) closeGrant(task, other)
    returnBlock(task, grant.block)
  }
}

/** Notes that a block may have become grantable again. Cheap, and harmless when it has not. */
export function returnBlock(task: Task, block: number): void {
  if (block < task.cursor && !task.grants.has(block) && holderCount(task.holders, block) === 0) {
    pushBlock(task.returned, block)
  }
}

/** The grant of the block that was given last. */
export function newestGrant(task: Task, block: number): Grant | undefined {
  return task.grants.get(block)?.reduce((newest, grant) => (grant.atMs >= newest.atMs ? grant : newest))
}

/**
 * How long a grant may stay without an answer, in milliseconds: three times what answers have been taking, so that a busy
 * supernode does not make itself busier with second copies, between `grantTimeoutMs` and ten times that.
 */
export function grantDeadlineMs(state: SchedulerState, task: Task): number {
  const floorMs = state.config.grantTimeoutMs
  return Math.min(Math.max(floorMs, 3 * task.answerMs), 10 * floorMs)
}

/**
 * Gives overdue blocks to a second member. The first loses a place in its window, but keeps the grant: its answer still counts.
 * When no other member has room, the grant comes up again one deadline later. O(grants that came due).
 */
export function expireGrants(state: SchedulerState, task: Task, outbox: Outbox): void {
  const dueMs = state.nowMs - grantDeadlineMs(state, task)
  // Grants that come up again are put behind this end, so the loop ends whatever the deadline is.
  for (const end = task.deadlines.length; task.deadlinesFrom < end; ) {
    const grant = task.deadlines[task.deadlinesFrom]
    if (grant === undefined || (grant.state !== 'closed' && grant.atMs > dueMs)) break
    task.deadlinesFrom++
    if (grant.state !== 'closed') expireGrant(state, task, grant, outbox)
  }
  if (task.deadlinesFrom * 2 > task.deadlines.length) {
    task.deadlines = task.deadlines.slice(task.deadlinesFrom)
    task.deadlinesFrom = 0
  }
}

function expireGrant(state: SchedulerState, task: Task, grant: Grant, outbox: Outbox): void {
  const { member, block } = grant
  if (grant.state === 'open') {
    grant.state = 'overdue'
    member.openGrants--
    task.openGrants--
    // One place always stays, so that a member which has recovered can show it.
    member.missed = Math.min(member.missed + 1, task.windowBlocks - 1)
    requeueMember(task.queue, member)
  }
  if (holderCount(task.holders, block) > 0) {
    closeGrant(task, grant)
    return
  }
  const ofBlock = task.grants.get(block) ?? []
  if (ofBlock.some(other => other.state === 'open')) return
  const taker = firstWithRoom(task, ofBlock)
  if (taker !== undefined) openGrant(state, task, taker, block, outbox)
  else {
    grant.atMs = state.nowMs
    task.deadlines.push(grant)
  }
}

/** The first of the queue, passing over members that have a grant for the block already. O(such members × log n). */
function firstWithRoom(task: Task, ofBlock: readonly Grant[]): Member | undefined {
  const aside: Member[] = []
  let found: Member | undefined
  for (;;) {
    const first = task.queue[0]
    if (first === undefined || grantLoad(first) >= task.windowBlocks) break
    if (!ofBlock.some(grant => grant.member === first)) {
      found = first
      break
    }
    dequeueMember(task.queue, first)
    aside.push(first)
  }
  for (const member of aside) enqueueMember(task.queue, member)
  return found
}

function takeGrantableBlock(task: Task): number | undefined {
  for (let block = peekBlock(task.returned); block !== undefined; block = peekBlock(task.returned)) {
    popBlock(task.returned)
    if (isGrantable(task, block)) return block
  }
  while (task.cursor < task.readyBlocks) {
    const block = task.cursor++
    if (isGrantable(task, block)) return block
  }
  return undefined
}

function isGrantable(task: Task, block: number): boolean {
  return holderCount(task.holders, block) === 0 && !task.grants.has(block)
}

function closeGrant(task: Task, grant: Grant): void {
  const { member } = grant
  if (grant.state === 'open') {
    member.openGrants--
    task.openGrants--
  }
  grant.state = 'closed'
  removeFrom(member.grants, grant)
  const ofBlock = task.grants.get(grant.block)
  if (ofBlock !== undefined) {
    removeFrom(ofBlock, grant)
    if (ofBlock.length === 0) task.grants.delete(grant.block)
  }
  requeueMember(task.queue, member)
}

function removeFrom(grants: Grant[], grant: Grant): void {
  const at = grants.indexOf(grant)
  if (at >= 0) grants.splice(at, 1)
}
