import type { BlockStore, StoredTask, StoreSpace } from '../../lib/blocks/block-store.ts'
import type { SharingWay } from '../../lib/blocks/share-file.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Holdings } from './holdings.ts'

export interface StoredContentComponents {
  readonly store: BlockStore
  readonly holdings: Holdings
  /** Blocks were found wrong and dropped; the swarm must hear of it. */
  readonly lost: (task: TaskId, blocks: number[]) => void
}

/** What a peer has stored, for those who look after its disk. */
export class StoredContent {
  readonly #components: StoredContentComponents

  constructor(components: StoredContentComponents) {
    this.#components = components
  }

  list(): Promise<StoredTask[]> {
    return this.#components.store.list()
  }

  space(): Promise<StoreSpace> {
    return this.#components.store.space()
  }

  /** Deletes a task; one that is being downloaded or read goes when that is over. @returns false if it is not here */
  async remove(task: TaskId): Promise<boolean> {
    const { store, holdings } = this.#components
    const removed = await store.remove(task)
    await holdings.release(task)
    return removed
  }

  /** Says whether a task stays when room is needed. @returns false if it is not here */
  pin(task: TaskId, pinned: boolean): Promise<boolean> {
    return this.#components.store.pin(task, pinned)
  }

  /**
   * Hashes the blocks of a task; those that are wrong are dropped, and fetched anew by the next pull.
   * @returns their indices; undefined if the task is not here
   */
  async verify(task: TaskId, options: { signal: AbortSignal }): Promise<number[] | undefined> {
    const { store, lost } = this.#components
    const blocks = await store.openExisting(task)
    if (blocks === undefined) return undefined
    try {
      const damaged = await blocks.verify(options)
      if (damaged.length > 0) lost(task, damaged)
      return damaged
    } finally {
      await blocks.close()
    }
  }

  /**
   * Makes a file of a complete task without copying it. @returns false when the task is not complete, or cannot be shared
   * in this way
   */
  share(task: TaskId, path: string, way: SharingWay): Promise<boolean> {
    return this.#components.store.share(task, path, way)
  }

  /** Deletes what lies above the watermarks, what was not used for longest first. @returns what was deleted */
  sweep(): Promise<TaskId[]> {
    return this.#components.store.sweep()
  }
}
