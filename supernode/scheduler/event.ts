import type { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'

/** A peer, by the identity that its connection has proved. */
export type PeerId = string

/** Where a peer stands, as its operator labelled it. */
export interface Labels {
  readonly zone?: string | undefined
  readonly idc?: string | undefined
  readonly rack?: string | undefined
}

/** What a member may say about a neighbour. */
export type ReportKind = 'corrupt' | 'stalled' | 'unreachable'

/** A pull that somebody waits for, or work that nobody waits for, such as a preheat. */
export type Priority = 'normal' | 'background'

/**
 * Everything that the scheduler learns. `now` is in milliseconds on any monotonic scale; where it is missing, the latest one
 * seen counts. Events about peers, tasks or members that the scheduler does not know are passed over.
 */
export type SchedulerEvent =
  /** A task begins: the supernode will read it from the origin. */
  | { readonly type: 'task-added'; readonly task: TaskId; readonly blockSizeBytes: number }
  /** A task ends. Its members are forgotten; telling them is the caller's. */
  | { readonly type: 'task-dropped'; readonly task: TaskId }
  /** Blocks 0 ≤ index < `upTo` are in the supernode's store. */
  | { readonly type: 'blocks-ready'; readonly task: TaskId; readonly upTo: number; readonly now: number }
  /** A peer's control stream opened. A second one replaces the first. */
  | { readonly type: 'peer-connected'; readonly peer: PeerId; readonly labels: Labels }
  /** A peer's control stream closed. Its neighbours see their own connections close. */
  | { readonly type: 'peer-gone'; readonly peer: PeerId }
  /**
   * A peer enters a swarm, or says anew what it holds. `wants` false: it only offers. `have` is copied. Where `priority` is
   * missing it is `normal`.
   */
  | {
      readonly type: 'join'
      readonly peer: PeerId
      readonly task: TaskId
      readonly have: Bitfield
      readonly wants: boolean
      readonly priority?: Priority | undefined
      readonly now: number
    }
  /** A peer leaves a swarm and closes its connections there. */
  | { readonly type: 'leave'; readonly peer: PeerId; readonly task: TaskId }
  /** A member has verified and stored blocks. */
  | {
      readonly type: 'have'
      readonly peer: PeerId
      readonly task: TaskId
      readonly blocks: readonly number[]
      readonly now: number
    }
  /** A member has dropped blocks. */
  | { readonly type: 'lost'; readonly peer: PeerId; readonly task: TaskId; readonly blocks: readonly number[] }
  /** A member needs blocks that it cannot get from its neighbours. */
  | {
      readonly type: 'blocked'
      readonly peer: PeerId
      readonly task: TaskId
      readonly blocks: readonly number[]
      readonly now: number
    }
  /** A member could take more than its neighbours have to give, these blocks for example. */
  | {
      readonly type: 'hungry'
      readonly peer: PeerId
      readonly task: TaskId
      readonly blocks: readonly number[]
      readonly now: number
    }
  /** A member complains about a neighbour. */
  | {
      readonly type: 'report'
      readonly from: PeerId
      readonly task: TaskId
      readonly about: PeerId
      readonly kind: ReportKind
      readonly now: number
    }
  /** Time passes. Deadlines, refills and the end of isolation happen here, so a few ticks a second are wanted. */
  | { readonly type: 'tick'; readonly now: number }
