import type { BlockBuffer } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskBlocks } from '../../lib/blocks/block-store.ts'
import type { Clock } from '../../lib/clock.ts'
import type { BlockSource } from '../../lib/exchange/block-server.ts'
import { blockRange } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import { Readers } from './task/readers.ts'

/** Tasks that are kept open at once, apart from those that are being read. */
const MAX_OPEN = 256

/** A task that nobody has asked for in so long is closed: what is not open may be deleted to make room. */
const IDLE_MS = 10_000

interface Holding {
  readonly opening: Promise<TaskBlocks | undefined>
  readonly readers: Readers
  askedAtMs: number
}

/** The stored tasks as others may have them: opened at the first request, closed when nobody asks for them any more. */
export class Holdings implements BlockSource {
  readonly #store: BlockStore
  readonly #clock: Clock
  /** Those that were asked for last stand last. */
  readonly #open = new Map<TaskId, Holding>()

  constructor({ store, clock }: { readonly store: BlockStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** The blocks of a stored task; undefined when nothing of it is here. */
  get(task: TaskId): Promise<TaskBlocks | undefined> {
    return this.#ask(task).opening
  }

  /** Who reads a stored task: it stays open for them. */
  readersOf(task: TaskId): Readers {
    return this.#ask(task).readers
  }

  /** Closes a task here, so that it can be removed from the store. */
  async release(task: TaskId): Promise<void> {
    const holding = this.#open.get(task)
    this.#open.delete(task)
    const blocks = await holding?.opening.catch(() => undefined)
    await blocks?.close()
  }

  /** To be called now and then: closes what nobody asks for. */
  tick(): void {
    const nowMs = this.#clock.now()
    for (const [task, { readers, askedAtMs }] of this.#open) {
      const idle = nowMs - askedAtMs >= IDLE_MS || this.#open.size > MAX_OPEN
      if (idle && readers.count === 0) void this.release(task).catch(() => {})
    }
  }

  async lengthOf(task: TaskId, block: number): Promise<number | undefined> {
    const blocks = await this.get(task)
    if (blocks === undefined || !(await blocks.check(block))) return undefined
    const { start, end } = blockRange(block, blocks.blockSizeBytes, blocks.sizeBytes)
    return end - start
  }

  async read(task: TaskId, block: number, offset: number, length: number): Promise<BlockBuffer> {
    const blocks = await this.get(task)
    if (blocks === undefined) throw new DamselflyError('TASK_UNKNOWN')
    return blocks.read(block, offset, length)
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    await Promise.allSettled([...this.#open.keys()].map(task => this.release(task)))
  }

  #ask(task: TaskId): Holding {
    const known = this.#open.get(task)
    const holding = known ?? this.#hold(task)
    holding.askedAtMs = this.#clock.now()
    this.#open.delete(task)
    this.#open.set(task, holding)
    return holding
  }

  #hold(task: TaskId): Holding {
    const opening = this.#store.openExisting(task)
    const holding = { opening, readers: new Readers(), askedAtMs: 0 }
    const forget = () => {
      if (this.#open.get(task) === holding) this.#open.delete(task)
    }
    opening.then(blocks => blocks ?? forget(), forget)
    return holding
  }
}
