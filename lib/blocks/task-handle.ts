import type { Bitfield } from '../../protocol/bitfield.ts'
import type { BlockDigest } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { TaskBlocks } from './block-store.ts'
import type { SharedTask } from './shared-task.ts'

/** One opener's hold on a shared task. It ends with `close`, which counts once however often it is called. */
export class TaskHandle implements TaskBlocks {
  readonly #task: SharedTask
  readonly #release: () => Promise<void>
  #closed: Promise<void> | undefined

  constructor(task: SharedTask, release: () => Promise<void>) {
    this.#task = task
    this.#release = release
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
    await this.#open().setSize(sizeBytes)
  }

  async write(index: number, digest: BlockDigest, bytes: Uint8Array): Promise<void> {
    await this.#open().write(index, digest, bytes)
  }

  async read(index: number, offset?: number, length?: number): Promise<Uint8Array> {
    return this.#open().read(index, offset, length)
  }

  async drop(index: number): Promise<void> {
    await this.#open().drop(index)
  }

  async markComplete(): Promise<void> {
    await this.#open().markComplete()
  }

  close(): Promise<void> {
    this.#closed ??= this.#release()
    return this.#closed
  }

  #open(): SharedTask {
    if (this.#closed !== undefined) throw new DamselflyError('STORE_FAILED', 'this hold on the task was closed')
    return this.#task
  }
}
