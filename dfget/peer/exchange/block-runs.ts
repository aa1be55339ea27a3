import { MAX_RUN_BLOCKS } from '../../../protocol/messages/block-exchange.ts'
import type { TaskId } from '../../../protocol/task.ts'

/** One block that is asked for. */
export interface BlockGet {
  /** Of the request. */
  readonly id: number
  readonly task: TaskId
  readonly block: number
}

/** `count` blocks of a task from `block` on, with as many request ids from `id` on. */
export interface BlockRun extends BlockGet {
  readonly count: number
}

/** Adds a block to the last run where it goes on from there, and begins another run where it does not. */
export function appendToRuns(runs: BlockRun[], get: BlockGet): void {
  const last = runs.at(-1)
  if (last === undefined || !continues(last, get)) runs.push({ ...get, count: 1 })
  else runs[runs.length - 1] = { ...last, count: last.count + 1 }
}

function continues({ id, task, block, count }: BlockRun, next: BlockGet): boolean {
  return count < MAX_RUN_BLOCKS && next.task === task && next.block === block + count && next.id === id + count
}
