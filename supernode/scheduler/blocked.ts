import { grantAgain, newestGrant } from './grants.ts'
import { holderCount } from './holders.ts'
import { isBlockIndex } from './inventory.ts'
import { link, loadScore, mayMeet, unlink } from './neighbours.ts'
import { type Outbox, sendConnect, sendDisconnect } from './outbox.ts'
import { nextBelow } from './random.ts'
import type { Member, SchedulerState, Task } from './state.ts'

/** Holders compared before the least loaded of them is taken. */
const HOLDERS_COMPARED = 8

/** How many vain requests of a member are remembered; the oldest is forgotten first. */
const MAX_REMEMBERED = 256

/**
 * A member cannot get a block from its neighbours. In this order: a neighbour may hold it by now, then it shall wait a while; a
 * stranger may hold it, then they become neighbours; otherwise it comes from the supernode, the seed of last resort. Copies
 * from the supernode are rationed: one per block and `regrantAfterMs`, however many members ask.
 */
export function unblock(state: SchedulerState, task: Task, member: Member, block: number, outbox: Outbox): void {
  if (!isBlockIndex(state, block) || member.have.has(block) || !member.wants || member.peer.isolated) return
  if (holderCount(task.holders, block) > 0) {
    const heldNearby = member.neighbours.some(neighbour => neighbour.have.has(block))
    if (!heldNearby && connectToHolder(state, task, member, block, outbox)) return
    if (!hasWaited(state, member, block)) return
  }
  grantAsWell(state, task, member, block, outbox)
}

function grantAsWell(state: SchedulerState, task: Task, member: Member, block: number, outbox: Outbox): void {
  // A block that nobody holds and that has not been looked at yet is granted in its turn.
  const inTurn = block >= task.cursor && holderCount(task.holders, block) === 0
  if (block >= task.readyBlocks || inTurn) return
  const newest = newestGrant(task, block)
  if (newest !== undefined && state.nowMs - newest.atMs < state.config.regrantAfterMs) return
  grantAgain(state, task, member, block, outbox)
}

/** Whether the member first asked for the block longer ago than a grant may take. Remembers when it did. */
function hasWaited(state: SchedulerState, member: Member, block: number): boolean {
  member.blockedSince ??= new Map()
  const sinceMs = member.blockedSince.get(block)
  if (sinceMs !== undefined) return state.nowMs - sinceMs >= state.config.grantTimeoutMs
  member.blockedSince.set(block, state.nowMs)
  for (const oldest of member.blockedSince.keys()) {
    if (member.blockedSince.size <= MAX_REMEMBERED) break
    member.blockedSince.delete(oldest)
  }
  return false
}

/** Makes a holder of the block a neighbour, in place of another where the member has as many as it may. */
function connectToHolder(state: SchedulerState, task: Task, member: Member, block: number, outbox: Outbox): boolean {
  const holder = findHolder(state, task, member, block)
  if (holder === undefined) return false
  if (member.neighbours.length >= state.config.maxNeighbours) {
    const leaving = busiestNeighbour(member)
    if (leaving === undefined) return false
    unlink(state, task, member, leaving)
    sendDisconnect(outbox, task, member, leaving)
  }
  link(task, member, holder)
  sendConnect(outbox, task, member, [holder])
  return true
}

/**
 * The least loaded of the first holders met on a walk over the roster from a random place. A walk is long only for a block that
 * few hold: O(members ÷ holders) on average, O(members) at worst.
 */
function findHolder(state: SchedulerState, task: Task, member: Member, block: number): Member | undefined {
  const { roster } = task
  const from = nextBelow(state.random, roster.length)
  let best: Member | undefined
  let compared = 0
  for (let step = 0; step < roster.length && compared < HOLDERS_COMPARED; step++) {
    const candidate = roster[(from + step) % roster.length]
    if (candidate === undefined || !candidate.have.has(block) || !mayMeet(state, member, candidate)) continue
    if (candidate.neighbours.length >= state.config.maxNeighbours) continue
    compared++
    if (best === undefined || loadScore(state, candidate) < loadScore(state, best)) best = candidate
  }
  return best
}

/** The neighbour that will miss the member least. */
function busiestNeighbour(member: Member): Member | undefined {
  return member.neighbours.reduce<Member | undefined>(
    (busiest, other) =>
      busiest === undefined || other.neighbours.length > busiest.neighbours.length ? other : busiest,
    undefined,
  )
}
