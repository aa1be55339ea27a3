import { requeueMember } from './grant-queue.ts'
import { answerGrant, returnBlock } from './grants.ts'
import { addHolder, removeHolder } from './holders.ts'
import type { Member, SchedulerState, Task } from './state.ts'

/** Whether the number can be a block index. */
export function isBlockIndex(state: SchedulerState, block: number): boolean {
  return Number.isInteger(block) && block >= 0 && block < state.config.maxBlocks
}

/** A member holds more blocks. O(blocks × log of the members), without allocating. */
export function addBlocks(state: SchedulerState, task: Task, member: Member, blocks: Iterable<number>): void {
  for (const block of blocks) {
    if (!isBlockIndex(state, block) || !member.have.add(block)) continue
    member.blockedSince?.delete(block)
    if (!member.peer.isolated) countBlock(state, task, member, block)
  }
  requeueMember(task.queue, member)
}

/** A member holds fewer blocks. Those that nobody else holds become grantable again. */
export function dropBlocks(state: SchedulerState, task: Task, member: Member, blocks: Iterable<number>): void {
  for (const block of blocks) {
    if (!isBlockIndex(state, block) || !member.have.delete(block)) continue
    if (!member.peer.isolated) uncountBlock(task, block)
  }
  requeueMember(task.queue, member)
}

/** Counts all that a member holds, at the end of its isolation. O(blocks). */
export function countHoldings(state: SchedulerState, task: Task, member: Member): void {
  for (const block of member.have) countBlock(state, task, member, block)
}

/** Stops counting what a member holds, when it leaves or is isolated. O(blocks). */
export function uncountHoldings(task: Task, member: Member): void {
  for (const block of member.have) uncountBlock(task, block)
}

function countBlock(state: SchedulerState, task: Task, member: Member, block: number): void {
  addHolder(task.holders, block)
  answerGrant(state, task, member, block)
}

function uncountBlock(task: Task, block: number): void {
  if (removeHolder(task.holders, block) === 0) returnBlock(task, block)
}
