import { connectToHolder } from './extra-neighbours.ts'
import { isBlockIndex } from './inventory.ts'
import { budgetOf, hasGrantable } from './islands.ts'
import type { Outbox } from './outbox.ts'
import { expectedAnswerMs } from './pace.ts'
import { grantAgain, newestGrant, regrantAfterMs } from './regrants.ts'
import type { Island, Member, SchedulerState } from './state.ts'

/** A member that asks again within this time has been hungry all the while; it asks on every tick of its own. */
const SAME_HUNGER_MS = 350

/** A supernode whose blocks take longer than this to arrive has no more to give than it gives already. */
const BUSY_ANSWER_MS = 200

/**
 * A member could take more than its neighbours have to give: it came early and holds what they hold, or it is isolated and has
 * none. After `patienceMs` it gets an extra neighbour, the least busy holder that is found. After `spareAfterMs` the supernode
 * gives from what it has to spare: when all that nobody holds is granted, and within its budget, of which each of the hungry
 * gets an equal share.
 */
export function feed(state: SchedulerState, member: Member, blocks: readonly number[], outbox: Outbox): void {
  if (!member.wants) return
  const wanted = blocks.filter(block => isWanted(state, member, block))
  const [first] = wanted
  if (first === undefined) return
  const { patienceMs, spareAfterMs } = state.config
  const forMs = hungryForMs(state, member)
  if (!member.peer.isolated && forMs >= patienceMs) connectToHolder(state, member, first, outbox)
  if (forMs < spareAfterMs) return
  const share = shareOf(state, member.island)
  for (const block of wanted) {
    if (!hasSpare(state, member.island) || member.openGrants >= share) return
    const newest = newestGrant(member.island, block)
    if (newest === undefined || state.nowMs - newest.atMs >= regrantAfterMs(state, member.island))
      grantAgain(state, member, block, outbox)
  }
}

function isWanted(state: SchedulerState, { have, island }: Member, block: number): boolean {
  return isBlockIndex(state, block) && block < island.task.readyBlocks && !have.has(block)
}

/** Whether the supernode has nothing better to do. */
function hasSpare(state: SchedulerState, island: Island): boolean {
  const answerMs = expectedAnswerMs(state, island)
  const isBusy = answerMs >= BUSY_ANSWER_MS && answerMs !== Number.POSITIVE_INFINITY
  return !isBusy && !hasGrantable(island) && island.openGrants < budgetOf(island)
}

/** Grants that one of the hungry may have open. O(1), and once for each member that is hungry no longer. */
function shareOf({ nowMs }: SchedulerState, island: Island): number {
  const { hungry } = island
  for (const member of hungry) {
    if (nowMs - member.hungryAtMs <= SAME_HUNGER_MS) break
    hungry.delete(member)
  }
  return Math.max(1, Math.floor(budgetOf(island) / hungry.size))
}

function hungryForMs({ nowMs }: SchedulerState, member: Member): number {
  const { hungry } = member.island
  if (nowMs - member.hungryAtMs > SAME_HUNGER_MS) member.hungrySinceMs = nowMs
  member.hungryAtMs = nowMs
  // Whoever asked last comes last.
  hungry.delete(member)
  hungry.add(member)
  return nowMs - member.hungrySinceMs
}
