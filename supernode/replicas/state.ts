import type { TaskId } from '../../protocol/task.ts'

/** A peer, by the identity that its connection has proved. */
export type PeerId = string

/** How replicas are looked after. All in milliseconds. */
export interface ReplicaConfig {
  /** How long the copy of a peer that is gone still counts: it may only be starting anew. */
  readonly graceMs: number
  /** How long a peer that refused is not asked for the same content again. */
  readonly retryMs: number
}

/** All that is known about replicas: plain data, owned by whoever got it from the latest `applyReplicas`. */
export interface ReplicaState {
  readonly config: ReplicaConfig
  /** The latest time seen in an event. */
  nowMs: number
  /** Linked peers that keep replicas when they are asked to. */
  readonly keepers: Map<PeerId, Keeper>
  readonly tasks: Map<TaskId, ReplicatedTask>
}

/** A linked peer that keeps replicas. */
export interface Keeper {
  readonly id: PeerId
  /** Empty for peers without one. */
  readonly zone: string
}

/** Content of which replicas are wanted, or may still be somewhere. */
export interface ReplicatedTask {
  readonly id: TaskId
  wanted: number
  readonly copies: Map<PeerId, Copy>
  /** Peers that are not asked before the time given. */
  readonly refusals: Map<PeerId, number>
  /** Nobody is asked before: peers that keep it may not have linked yet. */
  settledAtMs: number
}

/** What a peer has been asked for. */
export interface Copy {
  state: 'asked' | 'kept'
  readonly zone: string
  /** When its peer went; undefined while it is linked. */
  goneAtMs: number | undefined
}

/** What happens to replicas. `now` is in milliseconds on any monotonic scale. */
export type ReplicaEvent =
  /** Content is imported, or another number of replicas is wanted. With `known`, peers may have kept it since earlier. */
  | {
      readonly type: 'wanted'
      readonly task: TaskId
      readonly count: number
      readonly known: boolean
      readonly now: number
    }
  /** Content is imported no longer. */
  | { readonly type: 'dropped'; readonly task: TaskId; readonly now: number }
  /** A peer that keeps replicas has linked. */
  | { readonly type: 'linked'; readonly peer: PeerId; readonly zone: string; readonly now: number }
  | { readonly type: 'gone'; readonly peer: PeerId; readonly now: number }
  /** A peer has all of a task and keeps it. */
  | { readonly type: 'kept'; readonly peer: PeerId; readonly task: TaskId; readonly now: number }
  /** A peer keeps a task not, or no longer. */
  | { readonly type: 'refused'; readonly peer: PeerId; readonly task: TaskId; readonly now: number }
  | { readonly type: 'tick'; readonly now: number }

/** What a peer shall be told. */
export interface ReplicaEffect {
  readonly type: 'keep' | 'release'
  readonly peer: PeerId
  readonly task: TaskId
}

/** The state of somebody who knows nothing yet. */
export function createReplicaState(config: ReplicaConfig): ReplicaState {
  return { config, nowMs: 0, keepers: new Map(), tasks: new Map() }
}

/** How many peers keep a task or have been asked to, those that are linked. */
export function countCopies({ copies }: Pick<ReplicatedTask, 'copies'>): { kept: number; underWay: number } {
  const linked = [...copies.values()].filter(({ goneAtMs }) => goneAtMs === undefined)
  const kept = linked.filter(({ state }) => state === 'kept').length
  return { kept, underWay: linked.length - kept }
}
