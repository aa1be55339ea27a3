import type { Source } from '../../../lib/origin/origin.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { Sources } from '../../create-sources.ts'
import type { TaskContent } from '../../peer/task/task-content.ts'

/** How a run opens content. */
export interface OpenContentOptions {
  readonly signal: AbortSignal
  /** Gives way to other downloads. */
  readonly background: boolean
  /** The value of a `Range` header, where only a part will be read. */
  readonly range?: string | undefined
}

/** Makes a file of stored content without copying it. @returns false when that is not possible after all */
export type ShareContent = (task: TaskId, path: string) => Promise<boolean>

/** Where a run gets content from: the node's dfdaemon, or a peer of its own. */
export interface Contents {
  /** @throws DamselflyError as `Peer.open` does; DAEMON_UNREACHABLE */
  open(source: Source, options: OpenContentOptions): Promise<TaskContent>
  /** How a file at a path can have the same bytes on the disk as the store; undefined where they must be copied. */
  sharingWith(path: string): Promise<ShareContent | undefined>
  /** Stored content has reached its output. */
  delivered(task: TaskId): Promise<void>
  /** What reads origins directly: listings, manifests. */
  sources(): Promise<Sources>
  /**
   * Ends it when the work is done or has failed. A peer that was asked to goes on serving others first.
   * @param failure what the work threw; undefined when all went well
   * @throws UnfinishedError when it failed and verified blocks are left for another try; else the failure itself
   */
  end(failure: unknown, options: { signal: AbortSignal }): Promise<void>
}
