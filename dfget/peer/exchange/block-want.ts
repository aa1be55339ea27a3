import type { TaskId } from '../../../protocol/task.ts'

/** A block that is wanted from one peer. */
export interface BlockWant {
  readonly task: TaskId
  readonly ticket: string
  readonly block: number
  /** Longest answer that is accepted, in bytes. */
  readonly maxBytes: number
}
