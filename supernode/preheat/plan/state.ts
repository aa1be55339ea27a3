import type { TaskId } from '../../../protocol/task.ts'
import type { LinkedNode, Scope } from '../scope.ts'

/** Why something did not come about. */
export interface Reason {
  /** Of the error table. */
  readonly code: string
  readonly message: string
}

/** How patiently a job is carried out. All times in milliseconds. */
export interface PlanConfig {
  /** Contents that the supernode reads for one job at once. */
  readonly contentsAtOnce: number
  /** Nodes that fetch for one job at once. */
  readonly nodesAtOnce: number
  /** How often a node is asked for the same content before it counts as failed. */
  readonly triesOfNode: number
  /** The first pause before something is tried again; each further one is twice as long. */
  readonly firstPauseMs: number
  readonly longestPauseMs: number
  /** How long a node that was unlinked may be away before the job does without it. */
  readonly awayMs: number
}

/** The plan of one job: plain data, owned by whoever got it from the latest `applyPlan`. */
export interface PlanState {
  readonly config: PlanConfig
  readonly scope: Scope
  /** Whether nodes that link later get it, too. */
  readonly standing: boolean
  readonly deadlineMs: number
  /** The latest time seen in an event. */
  nowMs: number
  readonly contents: PlannedContent[]
  readonly nodes: Map<string, PlannedNode>
  /** Nodes of which so many shall have it: by number for `count` and `percent`, by name for `nodes`. */
  readonly wantedNodes: number
  /** Linked nodes that are not part of it, and can take the place of one that fails. */
  readonly spare: Map<string, LinkedNode>
  outcome: PlanOutcome | undefined
}

/** How a job ended, or, for a standing one, that all have it by now. */
export interface PlanOutcome {
  readonly state: 'standing' | 'succeeded' | 'failed' | 'cancelled'
  readonly reason: Reason | undefined
}

/** A content of the job, at the supernode. */
export interface PlannedContent {
  readonly isOptional: boolean
  /** `open`: the supernode has begun to read it, so that nodes can fetch it. */
  state: 'waiting' | 'reading' | 'open' | 'done' | 'failed' | 'skipped'
  task: TaskId | undefined
  tries: number
  notBeforeMs: number
  reason: Reason | undefined
}

/** A node that shall have it. */
export interface PlannedNode extends LinkedNode {
  /** `waiting`: others come first. */
  state: 'waiting' | 'fetching' | 'done' | 'failed' | 'away'
  /** Contents, by their place in the list, that it has. */
  readonly done: Set<number>
  /** Contents that it has been told to fetch. */
  readonly asked: Set<number>
  /** How often it has failed to fetch each content since it got one. */
  readonly tries: Map<number, number>
  notBeforeMs: number
  awaySinceMs: number
  reason: Reason | undefined
}

/** What happens to a job. `now` is in milliseconds on any monotonic scale. */
export type PlanEvent =
  /** The supernode has begun to read a content, or has it. */
  | { readonly type: 'opened'; readonly content: number; readonly task: TaskId; readonly now: number }
  | { readonly type: 'read'; readonly content: number; readonly now: number }
  | {
      readonly type: 'read-failed'
      readonly content: number
      readonly reason: Reason
      readonly retryable: boolean
      readonly now: number
    }
  | { readonly type: 'linked'; readonly node: LinkedNode; readonly now: number }
  | { readonly type: 'gone'; readonly peer: string; readonly now: number }
  | { readonly type: 'fetched'; readonly peer: string; readonly task: TaskId; readonly now: number }
  | {
      readonly type: 'not-fetched'
      readonly peer: string
      readonly task: TaskId
      readonly reason: Reason
      readonly now: number
    }
  | { readonly type: 'cancelled'; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }

/** What shall be done. */
export type PlanEffect =
  /** The supernode shall read a content. */
  | { readonly type: 'read'; readonly content: number }
  | { readonly type: 'fetch'; readonly peer: string; readonly content: number }
  | { readonly type: 'stop'; readonly peer: string; readonly content: number }
  /** The job has come to an end, or, standing, to a rest; said once for each. */
  | { readonly type: 'outcome'; readonly outcome: PlanOutcome }
