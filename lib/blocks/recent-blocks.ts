import type { TaskId } from '../../protocol/task.ts'
import type { BlockBuffer } from './block-buffers.ts'

/**
 * The blocks that were written or read last, in memory for those who read them next. What nobody has read since it was written
 * stays longest: what a reader has passed is wanted again less than what lies before it.
 */
export class RecentBlocks {
  readonly #maxBytes: number
  /** Each in the order in which they came. */
  readonly #unread = new Map<string, BlockBuffer>()
  readonly #read = new Map<string, BlockBuffer>()
  #bytes = 0

  /** @param maxBytes of all blocks together */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Holds a block until others take its place. @param isRead whether it was brought here for a reader */
  keep(taskId: TaskId, index: number, block: BlockBuffer, { isRead }: { isRead: boolean }): void {
    if (block.bytes.length > this.#maxBytes) return
    this.drop(taskId, index)
    block.retain()
    const blocks = isRead ? this.#read : this.#unread
    blocks.set(keyOf(taskId, index), block)
    this.#bytes += block.bytes.length
    for (const key of this.#read.keys()) if (this.#bytes > this.#maxBytes) this.#release(key)
    for (const key of this.#unread.keys()) if (this.#bytes > this.#maxBytes) this.#release(key)
  }

  /** A block that is still here. The caller holds it too. */
  get(taskId: TaskId, index: number): BlockBuffer | undefined {
    const key = keyOf(taskId, index)
    const unread = this.#unread.get(key)
    if (unread !== undefined) {
      this.#unread.delete(key)
      this.#read.set(key, unread)
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

  #release(key: string): void {
    const block = this.#read.get(key) ?? this.#unread.get(key)
    if (block === undefined) return
    this.#read.delete(key)
    this.#unread.delete(key)
    this.#bytes -= block.bytes.length
    block.release()
  }
}

function keyOf(taskId: TaskId, index: number | ''): string {
  return `${taskId}/${index}`
}
