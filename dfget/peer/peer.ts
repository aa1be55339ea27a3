import type { Startable } from '../../lib/lifecycle.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import type { DaemonTask } from '../../protocol/messages/daemon-api.ts'
import type { StoredContent } from './stored-content.ts'
import type { TaskContent } from './task/task-content.ts'

/** A task as its peer sees it, which is also what the local API of a dfdaemon answers. */
export type PeerTask = Readonly<DaemonTask>

/** How content is opened. */
export interface OpenOptions {
  readonly signal: AbortSignal
  /**
   * Called before content is given for which this very source has not asked its origin, because it is stored or being downloaded
   * for somebody else. Throws when the caller may not have it.
   */
  readonly mayRead?: () => Promise<void>
  /** Nobody waits for the content, a preheat for example: its download gives way to others until somebody opens it without this. */
  readonly background?: boolean
  /**
   * The caller opens the content again by itself, and finds what is stored by then: when its only origin has failed for good, so do its
   * reads, in place of trying there once more.
   */
  readonly resumes?: boolean
  /** Nobody will ask this peer for the content afterwards: small content need not be stored, nor come from a swarm. */
  readonly oneOff?: boolean
  /** What came through the swarm was wrong: a download that is not under way yet reads the origin itself, if there is one. */
  readonly pastSwarm?: boolean
}

/**
 * A peer of the swarm: downloads content from neighbours, the supernode and, when they fail, the origin; verifies and stores
 * it; serves it to others while and after it downloads.
 */
export interface Peer extends Startable {
  /** PeerId in base58. */
  readonly peerId: string
  /** Multiaddrs, valid while started. */
  addresses(): string[]
  /**
   * Opens content. All who ask for the same content share one download.
   * @throws DamselflyError when neither the swarm nor the origin can deliver its beginning; what `mayRead` throws
   */
  open(source: Source, options: OpenOptions): Promise<TaskContent>
  /**
   * Opens content past swarm and store: every read is one of the origin.
   * @throws DamselflyError what the origin says
   */
  openDirect(source: Source, options: { signal: AbortSignal }): Promise<TaskContent>
  /** Somebody is about to open content: what nobody waits for gives way already. */
  makeWay(): void
  /** Length of content that is stored completely, in bytes. */
  storedSize(digest: Digest): Promise<number | undefined>
  tasks(): Promise<PeerTask[]>
  /** How many tasks are being downloaded. */
  running(): number
  readonly stored: StoredContent
}
