import type { TaskId } from '../../protocol/task.ts'
import type { PeerId } from './event.ts'

/** What the scheduler wants said to peers. Within one `apply`, in the order given. */
export type SchedulerEffect =
  /** `peer` shall dial these. Only one side of a pair is told; the other accepts. */
  | { readonly type: 'connect'; readonly peer: PeerId; readonly task: TaskId; readonly to: readonly PeerId[] }
  /** `peer` shall hang up on these, or dial them no longer. Both sides are told where both are to be trusted. */
  | { readonly type: 'disconnect'; readonly peer: PeerId; readonly task: TaskId; readonly from: readonly PeerId[] }
  /** `peer` shall fetch these blocks, in ascending order, from the supernode. */
  | { readonly type: 'grant'; readonly peer: PeerId; readonly task: TaskId; readonly blocks: readonly number[] }
