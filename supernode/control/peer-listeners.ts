import type { Labels, PeerAddress } from '../../protocol/messages/fields.ts'
import type { TaskId } from '../../protocol/task.ts'

/** A peer as it introduces itself. */
export interface PeerIntroduction {
  readonly address: PeerAddress
  readonly labels: Labels
  /** Its program, `damselfly/0.1.0`. */
  readonly agent: string
  /** Whether it keeps replicas when it is asked to. */
  readonly keeps: boolean
  /** Whether it fetches content that nobody there waits for when it is told to. */
  readonly fetches: boolean
  /** `os/architecture` of its machine, where it has said so. */
  readonly platform?: string | undefined
}

/** Who wants to know which peers keep replicas. */
export interface ReplicaListener {
  /** A peer has linked that keeps replicas. @param zone empty for a peer without one */
  linked(peer: string, zone: string): void
  gone(peer: string): void
  kept(peer: string, task: TaskId): void
  refused(peer: string, task: TaskId, code: string): void
}

/** Who has peers fetch content that nobody there waits for. Hears of those peers only that do it. */
export interface FetchListener {
  /** A peer has linked, and remembers nothing of what it was told before. */
  linked(peer: Pick<PeerIntroduction, 'address' | 'labels' | 'platform'>): void
  gone(peer: string): void
  /** It has all of a task. */
  fetched(peer: string, task: TaskId): void
  /** It has given a task up. */
  notFetched(peer: string, task: TaskId, code: string): void
}
