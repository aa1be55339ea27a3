import type { Bitfield } from '../../protocol/bitfield.ts'
import type { BlockDigest } from '../../protocol/block-map.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Startable } from '../lifecycle.ts'
import type { BlockBuffer } from './block-buffers.ts'
import type { SharingWay } from './share-file.ts'

/** The shape of a stored task. `sizeBytes` is undefined until the origin has told or ended. */
export interface TaskShape {
  readonly blockSizeBytes: number
  readonly sizeBytes: number | undefined
}

/** What the store can say about a task without touching its bytes. */
export interface StoredTask extends TaskShape {
  readonly taskId: TaskId
  /** True once every block is here and the digest of the whole content was checked. */
  readonly complete: boolean
  /** Bytes of the blocks that are here. */
  readonly storedBytes: number
  /** When the task was last opened, in milliseconds since 1970. */
  readonly usedAt: number
  /** Whether it stays when room is needed. */
  readonly pinned: boolean
}

/** How full a store is. */
export interface StoreSpace {
  readonly tasks: number
  readonly storedBytes: number
  /** Stored bytes, and those for which room is promised. */
  readonly claimedBytes: number
  /** Stored bytes of pinned tasks. */
  readonly pinnedBytes: number
  /** What the store may hold at most, as the disk is now; null where nothing limits it. */
  readonly capacityBytes: number | null
}

/**
 * Keeps blocks of tasks (design §7). Callers verify a block before they write it; the store makes sure that what it
 * reports as present is what was written, also after a crash.
 */
export interface BlockStore extends Startable {
  /**
   * Opens a task, creating it with the given shape when it is new. Room for all of it is promised then, and made by deleting
   * what nobody uses. When it exists with another block size, or incomplete
   * with another size, its blocks are discarded. All openers of one task share one entry; each closes its own.
   * @throws DamselflyError STORE_FULL; STORE_FAILED, also when somebody holds it with another block size; SIZE_INVALID for
   * an impossible shape, and when somebody holds it with another size or it is complete with one; TASK_UNKNOWN for a
   * malformed id
   */
  open(taskId: TaskId, shape: TaskShape): Promise<TaskBlocks>
  /** Opens a task only if it is stored. @throws DamselflyError STORE_FULL, STORE_FAILED */
  openExisting(taskId: TaskId): Promise<TaskBlocks | undefined>
  list(): Promise<StoredTask[]>
  /** What is stored of a task. @returns undefined for nothing */
  find(taskId: TaskId): Promise<StoredTask | undefined>
  /**
   * Removes a task and its bytes. A task that is open is removed when its last opener closes it; who opens it until then
   * shares it, and it stays in the list. @returns false if it is unknown. @throws DamselflyError STORE_FAILED
   */
  remove(taskId: TaskId): Promise<boolean>
  /**
   * Says whether a task stays when room is needed. @returns false if it is unknown. @throws DamselflyError STORE_FULL,
   * STORE_FAILED
   */
  pin(taskId: TaskId, pinned: boolean): Promise<boolean>
  /**
   * Makes a file of a complete task's content without copying it, after its blocks were checked.
   * @param path on the same file system; nothing may be there
   * @returns false when the task is not complete, or cannot be shared in this way
   * @throws DamselflyError STORE_FAILED
   */
  share(taskId: TaskId, path: string, way: SharingWay): Promise<boolean>
  /** Deletes what lies above the watermarks, those tasks first that were not used for longest. @returns what was deleted */
  sweep(): Promise<TaskId[]>
  space(): Promise<StoreSpace>
  /** Calls back for each task that was removed, on request or to make room. */
  onRemoved(listener: (taskId: TaskId) => void): void
}

/** The blocks of one task. */
export interface TaskBlocks {
  readonly taskId: TaskId
  readonly blockSizeBytes: number
  readonly sizeBytes: number | undefined
  readonly complete: boolean
  /** Which blocks are present. Owned by the store: read it, do not change it. */
  readonly present: Bitfield
  /** The digest under which a present block was written, as stored. */
  digestAt(index: number): BlockDigest | undefined
  /**
   * Says how long the content is, once that is known. Idempotent.
   * @throws DamselflyError SIZE_INVALID if it changes or a present block does not fit; STORE_FULL, STORE_FAILED
   */
  setSize(sizeBytes: number): Promise<void>
  /**
   * Writes a block and then marks it present. Every block has `blockSizeBytes` bytes, except the last, which can only be
   * written once the size is known if it is shorter. The store may hold the block on, to read it from memory. Writing a
   * present block again does nothing, and simultaneous writes of one block are one write.
   * @throws DamselflyError SIZE_INVALID (wrong length or index), STORE_FULL (no space left), STORE_FAILED
   */
  write(index: number, digest: BlockDigest, block: BlockBuffer): Promise<void>
  /**
   * A present block, from memory where it was written or read a short time ago, else from the disk and hashed. The caller holds it.
   * A block whose bytes turn out to be gone or wrong is dropped. @throws DamselflyError STORE_FAILED, also when the block is not present or is dropped
   */
  block(index: number): Promise<BlockBuffer>
  /**
   * Blocks that follow each other, in one piece of memory that the caller holds, for somebody who reads on and on: each is looked at, and none
   * is kept for others. Undefined when one is not present, has to be hashed, or turns out to be gone or wrong; `block` tells which.
   * @param from the first block
   * @param to the block behind the last. @throws DamselflyError STORE_FAILED when they cannot be read
   */
  run(from: number, to: number): Promise<BlockBuffer | undefined>
  /**
   * Reads a slice of a present block into memory of its own, which the caller holds: `offset` and `length` in bytes inside the
   * block, the rest of the block by default. It is for those who hash what they get: a block that was checked in this run is not
   * hashed again. A block whose bytes turn out to be gone or wrong is dropped.
   * @throws DamselflyError STORE_FAILED, also when the block is not present or is dropped meanwhile; RANGE_INVALID when
   * the slice is not inside the block
   */
  read(index: number, offset?: number, length?: number): Promise<BlockBuffer>
  /**
   * Whether a block is present with the bytes that it was written with: those of an earlier run are hashed once before they are
   * given to anybody. A block that has other bytes is dropped. @throws DamselflyError STORE_FAILED
   */
  check(index: number): Promise<boolean>
  /** Hashes all blocks. @returns those that had other bytes, and were dropped. @throws DamselflyError STORE_FAILED */
  verify(options: { signal: AbortSignal }): Promise<number[]>
  /** Forgets a block, for example because its digest contradicts the block map. The task is not complete any more. */
  drop(index: number): Promise<void>
  /**
   * Marks the task complete. The caller has checked the digest of the whole content.
   * @throws DamselflyError STORE_FAILED, also when a block is missing or the size is not known; STORE_FULL
   */
  markComplete(): Promise<void>
  /**
   * Waits for what is on its way to the disk.
   * @throws DamselflyError STORE_FULL, STORE_FAILED when the disk has refused any of what was written
   */
  flushed(): Promise<void>
  /** Gives this opener's hold back, after the writes under way. Closing twice is closing once. */
  close(): Promise<void>
}
