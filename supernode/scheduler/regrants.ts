import { nextDue, trackDeadline } from './deadlines.ts'
import { dequeueMember, enqueueMember, firstWithRoom } from './grant-queue.ts'
import { closeGrant, missGrant, openGrant } from './grants.ts'
import { holderCount } from './holders.ts'
import type { Outbox } from './outbox.ts'
import { expectedAnswerMs } from './pace.ts'
import type { Grant, Island, Member, SchedulerState } from './state.ts'

/**
 * Gives the block once more, because a member asks for it. As long as nobody holds the block, one that was given it before comes
 * last, whether it let the grant go overdue or asks because it cannot fetch the block: where another has room, that one gets it, so
 * that members which never fetch cannot keep a block from the swarm.
 */
export function grantAgain(state: SchedulerState, member: Member, block: number, outbox: Outbox): void {
  const own = member.grants.find(grant => grant.block === block)
  if (own?.state === 'open') missGrant(own)
  const isLacking = holderCount(member.island.holders, block) === 0
  const other = own !== undefined && isLacking ? takerFor(member.island, block) : undefined
  if (own !== undefined && other === undefined) closeGrant(own)
  openGrant(state, other ?? member, block, outbox)
}

/**
 * How long after a grant its block is given a second time, to a member that asks for it: twice as long as answers have been taking,
 * since a supernode on a narrow link would make itself busier with copies of what is on its way; at least `regrantAfterMs`.
 */
export function regrantAfterMs(state: SchedulerState, island: Island): number {
  const answerMs = expectedAnswerMs(state, island)
  const leastMs = state.config.regrantAfterMs
  return answerMs === Number.POSITIVE_INFINITY ? leastMs : Math.max(leastMs, 2 * answerMs)
}

/** The grant of the block that was given last. */
export function newestGrant(island: Island, block: number): Grant | undefined {
  return island.grants.get(block)?.reduce((newest, grant) => (grant.atMs >= newest.atMs ? grant : newest))
}

/**
 * How long a grant may stay without an answer, in milliseconds: three times what answers have been taking, so that a busy
 * supernode does not make itself busier with second copies, between `grantTimeoutMs` and ten times that; the latter before the
 * first answer.
 */
export function grantDeadlineMs(state: SchedulerState, island: Island): number {
  const floorMs = Math.max(1, state.config.grantTimeoutMs)
  return Math.min(Math.max(floorMs, 3 * expectedAnswerMs(state, island)), 10 * floorMs)
}

/**
 * Gives overdue blocks to a second member. The first keeps its grant: its answer still counts. When no other member has room,
 * the grant comes up again one deadline later. O(grants that came due).
 */
export function expireGrants(state: SchedulerState, island: Island, outbox: Outbox): void {
  const { deadlines } = island
  const dueMs = state.nowMs - grantDeadlineMs(state, island)
  // A grant that is given or put off here is due later than this.
  for (let grant = nextDue(deadlines, dueMs); grant !== undefined; grant = nextDue(deadlines, dueMs)) {
    expireGrant(state, grant, outbox)
  }
}

function expireGrant(state: SchedulerState, grant: Grant, outbox: Outbox): void {
  const { member, block } = grant
  const { island } = member
  if (grant.state === 'open') missGrant(grant)
  if (holderCount(island.holders, block) > 0) {
    closeGrant(grant)
    return
  }
  if (island.grants.get(block)?.some(other => other.state === 'open')) return
  const taker = takerFor(island, block)
  if (taker !== undefined) openGrant(state, taker, block, outbox)
  else {
    grant.atMs = state.nowMs
    trackDeadline(island.deadlines, grant)
  }
}

/** For a block that nobody holds: the first of the queue, passing over members that have a grant for it. O(such members × log n). */
function takerFor({ queue, grants }: Island, block: number): Member | undefined {
  const ofBlock = grants.get(block) ?? []
  const aside: Member[] = []
  let first = firstWithRoom(queue)
  while (first !== undefined && ofBlock.some(grant => grant.member === first)) {
    dequeueMember(queue, first)
    aside.push(first)
    first = firstWithRoom(queue)
  }
  for (const member of aside) enqueueMember(queue, member)
  return first
}
