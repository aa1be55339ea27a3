import { answerGrant, returnBlock, returnGrant } from './grants.ts'
import { addHolder, removeHolder } from './holders.ts'
import type { Island, Member, SchedulerState } from './state.ts'

/** Whether the number can be a block index. */
export function isBlockIndex(state: SchedulerState, block: number): boolean {
  return Number.isInteger(block) && block >= 0 && block < state.config.maxBlocks
}

/** Whether the member still lacks something that the supernode has. */
export function isDownloading({ wants, have, island }: Member): boolean {
  return wants && have.count < island.task.readyBlocks
}

/** A member holds more blocks. O(blocks), without allocating: most of a supernode's work. */
export function addBlocks(state: SchedulerState, member: Member, blocks: readonly number[]): void {
  const { island, have, peer, blockedSince } = member
  for (let at = 0; at < blocks.length; at++) {
    const block = blocks[at] ?? -1
    if (!isBlockIndex(state, block) || !have.add(block)) continue
    blockedSince?.delete(block)
    if (peer.isolated) returnGrant(member, block)
    else countBlock(state, member, block)
  }
  if (have.count > island.mostHeld) island.mostHeld = have.count
}

/** A member holds fewer blocks. Those that nobody else in its island holds become grantable again. */
export function dropBlocks(state: SchedulerState, member: Member, blocks: Iterable<number>): void {
  for (const block of blocks) {
    if (!isBlockIndex(state, block) || !member.have.delete(block)) continue
    if (!member.peer.isolated) uncountBlock(member.island, block)
  }
}

/** Counts all that a member holds, at the end of its isolation. O(blocks). */
export function countHoldings(state: SchedulerState, member: Member): void {
  for (const block of member.have) countBlock(state, member, block)
}

/** Stops counting what a member holds, when it leaves or is isolated. O(blocks). */
export function uncountHoldings(member: Member): void {
  for (const block of member.have) uncountBlock(member.island, block)
}

function countBlock(state: SchedulerState, member: Member, block: number): void {
  addHolder(member.island.holders, block)
  answerGrant(state, member, block)
}

function uncountBlock(island: Island, block: number): void {
  if (removeHolder(island.holders, block) === 0) returnBlock(island, block)
}
