import type { TaskId } from '../../protocol/task.ts'
import type { BlockBuffer } from './block-buffers.ts'

/** What blocks that were read may have of the memory, whatever else is there. */
const READ_SHARE = 0.5

/**
 * The blocks that were written or read last, in memory for those who read them next. What nobody has read since it was written
 * stays longest: what a reader has passed is wanted again less than what lies before it. But what was read keeps half of the memory
 * for those who read the same, since what was written may not be read at all.
 */
export class RecentBlocks {
  readonly #maxBytes: number
  /** Each in the order in which they came. */
  readonly #unread = new Map<string, BlockBuffer>()
  readonly #read = new Map<string, BlockBuffer>()
  #bytes = 0
  #readBytes = 0

  /** @param maxBytes of all blocks together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Holds a block until others take its place. @param isRead whether it was brought here for a reader */
  keep(taskId: TaskId, index: number, block: BlockBuffer, { isRead }: { isRead: boolean }): void {
    if (block.bytes.length > this.#maxBytes) return
    this.drop(taskId, index)
    block.retain()
    const key = keyOf(taskId, index)
    this.#bytes += block.bytes.length
    if (isRead) this.#setRead(key, block)
    else this.#unread.set(key, block)
    while (this.#bytes > this.#maxBytes) this.#releaseOldest()
  }

  /** A block that is still here. The caller holds it too. */
  get(taskId: TaskId, index: number): BlockBuffer | undefined {
    const key = keyOf(taskId, index)
    const unread = this.#unread.get(key)
    if (unread !== undefined) {
      this.#unread.delete(key)
      this.#setRead(key, unread)
    }
    const block = unread ?? this.#read.get(key)
    block?.retain()
    return block
  }

  drop(taskId: TaskId, index: number): void {
    this.#release(keyOf(taskId, index))
  }

  /** Forgets all blocks of a task. */
  dropTask(taskId: TaskId): void {
    const start = keyOf(taskId, '')
    for (const key of [...this.#read.keys(), ...this.#unread.keys()]) if (key.startsWith(start)) this.#release(key)
  }

  #setRead(key: string, block: BlockBuffer): void {
    this.#read.set(key, block)
    this.#readBytes += block.bytes.length
  }

  #releaseOldest(): void {
    const [read] = this.#read.keys()
    const [unread] = this.#unread.keys()
    const isReadFirst = unread === undefined || this.#readBytes > this.#maxBytes * READ_SHARE
    this.#release((isReadFirst ? read : unread) ?? '')
  }

  #release(key: string): void {
    const block = this.#read.get(key) ?? this.#unread.get(key)
    if (block === undefined) return
    if (this.#read.delete(key)) this.#readBytes -= block.bytes.length
    this.#unread.delete(key)
    this.#bytes -= block.bytes.length
    block.release()
  }
}

function keyOf(taskId: TaskId, index: number | ''): string {
  return `${taskId}/${index}`
}
