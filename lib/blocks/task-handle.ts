import type { Bitfield } from '../../protocol/bitfield.ts'
import type { BlockDigest } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { BlockBuffer } from './block-buffers.ts'
import type { TaskBlocks } from './block-store.ts'
import type { SharedTask } from './shared-task.ts'

/** What a hold on a task needs of whoever gave it. */
export interface TaskHolder {
  /** Asks for room before bytes come: for content of this size, or one block where it is unknown. @throws DamselflyError STORE_FULL */
  claim(sizeBytes: number | undefined): Promise<void>
  /** Gives the hold back. */
  release(): Promise<void>
}

/** One opener's hold on a shared task. It ends with `close`, which counts once however often it is called. */
export class TaskHandle implements TaskBlocks {
  readonly #task: SharedTask
  readonly #holder: TaskHolder
  #closed: Promise<void> | undefined

  constructor(task: SharedTask, holder: TaskHolder) {
    this.#task = task
    this.#holder = holder
  }

  get taskId(): TaskId {
    return this.#task.taskId
  }

  get blockSizeBytes(): number {
    return this.#task.blockSizeBytes
  }

  get sizeBytes(): number | undefined {
    return this.#task.sizeBytes
  }

  get complete(): boolean {
    return this.#task.complete
  }

  get present(): Bitfield {
    return this.#task.present
  }

  digestAt(index: number): BlockDigest | undefined {
    return this.#task.digestAt(index)
  }

  async setSize(sizeBytes: number): Promise<void> {
    const task = this.#open()
    await this.#holder.claim(sizeBytes)
    await task.setSize(sizeBytes)
  }

  async write(index: number, digest: BlockDigest, block: BlockBuffer): Promise<void> {
    const task = this.#open()
    await this.#holder.claim(task.sizeBytes)
    await task.write(index, digest, block)
  }

  async block(index: number): Promise<BlockBuffer> {
    return this.#open().block(index)
  }

  async run(from: number, to: number): Promise<BlockBuffer | undefined> {
    return this.#open().run(from, to)
  }

  async read(index: number, offset?: number, length?: number): Promise<BlockBuffer> {
    return this.#open().read(index, offset, length)
  }

  async check(index: number): Promise<boolean> {
    return this.#open().check(index)
  }

  async verify(options: { signal: AbortSignal }): Promise<number[]> {
    return this.#open().verify(options)
  }

  async drop(index: number): Promise<void> {
    await this.#open().drop(index)
  }

  async markComplete(): Promise<void> {
    await this.#open().markComplete()
  }

  async flushed(): Promise<void> {
    await this.#open().flushed()
  }

  close(): Promise<void> {
    this.#closed ??= this.#holder.release()
    return this.#closed
  }

  #open(): SharedTask {
    if (this.#closed !== undefined) throw new DamselflyError('STORE_FAILED', 'this hold on the task was closed')
    return this.#task
  }
}
