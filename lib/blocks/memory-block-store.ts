import type { BlockDigest } from '../../protocol/block-map.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createStartable } from '../lifecycle.ts'
import type { BlockStore, StoredTask, TaskBlocks, TaskShape } from './block-store.ts'
import { SharedTask, type TaskBacking } from './shared-task.ts'
import { type TaskSource, TaskTable } from './task-table.ts'

interface MemoryTask {
  readonly digests: Map<number, BlockDigest>
  readonly blocks: Map<number, Uint8Array>
}

/** Keeps blocks in memory until it is stopped: for tests and for nodes without a disk. */
export class MemoryBlockStore implements BlockStore {
  readonly #table: TaskTable
  readonly #lifecycle = createStartable(
    async () => this.#table.start([]),
    async () => this.#empty(),
  )
  readonly #tasks = new Map<TaskId, MemoryTask>()
  readonly #capacityBytes: number
  #usedBytes = 0

  /** @param init `capacityBytes` is how much the blocks may take together; more gives STORE_FULL */
  constructor(components: { clock?: Clock } = {}, init: { capacityBytes?: number } = {}) {
    const source: TaskSource = {
      load: async stored => this.#shared(stored),
      create: async (taskId, shape) => {
        this.#forget(taskId)
        return this.#shared({ taskId, ...shape, complete: false, storedBytes: 0, usedAt: 0 })
      },
      erase: async taskId => this.#forget(taskId),
    }
    this.#table = new TaskTable(source, components.clock ?? systemClock)
    this.#capacityBytes = init.capacityBytes ?? Number.POSITIVE_INFINITY
  }

  start(): Promise<void> {
    return this.#lifecycle.start()
  }

  stop(): Promise<void> {
    return this.#lifecycle.stop()
  }

  open(taskId: TaskId, shape: TaskShape): Promise<TaskBlocks> {
    return this.#table.open(taskId, shape)
  }

  openExisting(taskId: TaskId): Promise<TaskBlocks | undefined> {
    return this.#table.openExisting(taskId)
  }

  async list(): Promise<StoredTask[]> {
    return this.#table.list()
  }

  remove(taskId: TaskId): Promise<boolean> {
    return this.#table.remove(taskId)
  }

  #shared(stored: StoredTask): SharedTask {
    const { taskId, blockSizeBytes, sizeBytes, complete, usedAt } = stored
    const task = this.#tasks.get(taskId) ?? { digests: new Map(), blocks: new Map() }
    this.#tasks.set(taskId, task)
    const record = { blockSizeBytes, sizeBytes, complete, usedAt }
    return new SharedTask(taskId, record, new Map(task.digests), this.#backing(task))
  }

  #backing({ digests, blocks }: MemoryTask): TaskBacking {
    return {
      writeBlock: async (index, digest, bytes) => {
        if (this.#usedBytes + bytes.length > this.#capacityBytes) {
          throw new DamselflyError('STORE_FULL', `the memory store holds at most ${this.#capacityBytes} bytes`)
        }
        this.#usedBytes += bytes.length
        blocks.set(index, new Uint8Array(bytes))
        digests.set(index, digest)
      },
      readBlock: async (index, offset, lengthBytes) => {
        const block = blocks.get(index)
        return block === undefined ? undefined : new Uint8Array(block.subarray(offset, offset + lengthBytes))
      },
      dropBlock: async index => {
        this.#usedBytes -= blocks.get(index)?.length ?? 0
        blocks.delete(index)
        digests.delete(index)
      },
      saveRecord: async () => {},
      close: async () => {},
    }
  }

  #forget(taskId: TaskId): void {
    for (const block of this.#tasks.get(taskId)?.blocks.values() ?? []) this.#usedBytes -= block.length
    this.#tasks.delete(taskId)
  }

  async #empty(): Promise<void> {
    try {
      await this.#table.stop()
    } finally {
      this.#tasks.clear()
      this.#usedBytes = 0
    }
  }
}
