import { connectToHolder } from './extra-neighbours.ts'
import { openGrant } from './grants.ts'
import { holderCount } from './holders.ts'
import { isBlockIndex } from './inventory.ts'
import { hasStalled } from './isolation.ts'
import { targetDegree } from './links.ts'
import type { Outbox } from './outbox.ts'
import { grantAgain, newestGrant, regrantAfterMs } from './regrants.ts'
import type { Member, SchedulerState } from './state.ts'

/** How many vain requests of a member are remembered; the oldest is forgotten first. */
const MAX_REMEMBERED = 64

/**
 * A member cannot get a block from its neighbours. In this order: a neighbour may hold it by now that has not stalled, then it shall
 * wait a while; a stranger in its island may hold it, then they become neighbours; otherwise it comes from the supernode, the seed of last
 * resort. Copies from the supernode are rationed: one per block, island and `regrantAfterMs`, however many members ask. One that
 * is isolated has no neighbours and gets the block at once, within its window: else its reader would give up on the swarm.
 */
export function unblock(state: SchedulerState, member: Member, block: number, outbox: Outbox): void {
  if (!isBlockIndex(state, block) || member.have.has(block) || !member.wants) return
  if (member.peer.isolated) {
    grantToIsolated(state, member, block, outbox)
    return
  }
  if (holderCount(member.island.holders, block) > 0) {
    const { patienceMs, holderPatienceMs } = state.config
    const waitedMs = askingForMs(state, member, block)
    const mayCome = (neighbour: Member) => neighbour.have.has(block) && !hasStalled(state, neighbour, member)
    if (member.neighbours.some(mayCome)) {
      if (waitedMs < holderPatienceMs) return
    } else {
      // In a young swarm most blocks are still on their way, and extra links would outlive the need.
      const hasRoom = member.neighbours.length < targetDegree(state)
      if ((hasRoom || waitedMs >= patienceMs) && connectToHolder(state, member, block, outbox)) return
      if (waitedMs < patienceMs) return
    }
  }
  grantAsWell(state, member, block, outbox)
}

/** Only what others hold already: a block that is new must not depend on it. */
function grantToIsolated(state: SchedulerState, member: Member, block: number, outbox: Outbox): void {
  const { holders, task } = member.island
  if (holderCount(holders, block) === 0 || block >= task.readyBlocks || member.openGrants >= task.windowBlocks) return
  if (!member.grants.some(grant => grant.block === block)) openGrant(state, member, block, outbox)
}

function grantAsWell(state: SchedulerState, member: Member, block: number, outbox: Outbox): void {
  const { island } = member
  // A block that nobody holds and that has not been looked at yet is granted in its turn.
  const inTurn = block >= island.cursor && holderCount(island.holders, block) === 0
  if (block >= island.task.readyBlocks || inTurn) return
  const newest = newestGrant(island, block)
  if (newest !== undefined && state.nowMs - newest.atMs < regrantAfterMs(state, island)) return
  grantAgain(state, member, block, outbox)
}

/** For how long the member has been asking for the block. Remembers when it first did. */
function askingForMs(state: SchedulerState, member: Member, block: number): number {
  member.blockedSince ??= new Map()
  const sinceMs = member.blockedSince.get(block)
  if (sinceMs !== undefined) return state.nowMs - sinceMs
  member.blockedSince.set(block, state.nowMs)
  for (const oldest of member.blockedSince.keys()) {
    if (member.blockedSince.size <= MAX_REMEMBERED) break
    member.blockedSince.delete(oldest)
  }
  return 0
}
