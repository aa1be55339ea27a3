import { LRUCache } from 'lru-cache'
import type { BlockStore, TaskBlocks } from '../../lib/blocks/block-store.ts'
import type { BlockSource } from '../../lib/exchange/block-server.ts'
import { blockRange } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'

/** Tasks that are kept open for serving after they were last asked for. */
const MAX_OPEN = 64

/** The stored tasks as other peers may have them: opened at the first request, closed when others crowd them out. */
export class Holdings implements BlockSource {
  readonly #store: BlockStore
  readonly #open: LRUCache<TaskId, Promise<TaskBlocks | undefined>>

  constructor(store: BlockStore) {
    this.#store = store
    this.#open = new LRUCache({
      max: MAX_OPEN,
      dispose: opening => void opening.then(blocks => blocks?.close()).catch(() => {}),
    })
  }

  /** The blocks of a stored task; undefined when nothing of it is here. */
  get(task: TaskId): Promise<TaskBlocks | undefined> {
    const open = this.#open.get(task)
    if (open !== undefined) return open
    const opening = this.#store.openExisting(task)
    this.#open.set(task, opening)
    const forget = () => this.#open.delete(task)
    opening.then(blocks => blocks ?? forget(), forget)
    return opening
  }

  /** Closes a task here, so that it can be removed from the store. */
  release(task: TaskId): void {
    this.#open.delete(task)
  }

  async lengthOf(task: TaskId, block: number): Promise<number | undefined> {
    const blocks = await this.get(task)
    if (blocks?.present.has(block) !== true) return undefined
    const { start, end } = blockRange(block, blocks.blockSizeBytes, blocks.sizeBytes)
    return end - start
  }

  async read(task: TaskId, block: number, offset: number, length: number): Promise<Uint8Array> {
    const blocks = await this.get(task)
    if (blocks === undefined) throw new DamselflyError('TASK_UNKNOWN')
    return blocks.read(block, offset, length)
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.allSettled(open)
  }
}
