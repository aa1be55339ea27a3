import type { BlockDigest } from '../../protocol/block-map.ts'
import { copyInto } from '../../protocol/copy-into.ts'
import type { TaskId } from '../../protocol/task.ts'
import { type Clock, systemClock } from '../clock.ts'
import { createInlineHasher } from '../hashing/inline-hasher.ts'
import { createStartable } from '../lifecycle.ts'
import { silentLogger } from '../logger.ts'
import { BlockBuffers } from './block-buffers.ts'
import type { BlockMemory } from './block-loads.ts'
import type { BlockStore, StoredTask, StoreSpace, TaskBlocks, TaskShape } from './block-store.ts'
import { CheckedBlocks } from './checked-blocks.ts'
import { type DiskSpace, type Quota, UNLIMITED } from './quota.ts'
import { RecentBlocks } from './recent-blocks.ts'
import { SharedTask, type TaskBacking } from './shared-task.ts'
import { type TaskSource, TaskTable } from './task-table.ts'

/** Memory is not watched; only the quota limits what is in it. */
const ENDLESS: DiskSpace = { totalBytes: 0, freeBytes: Number.POSITIVE_INFINITY }

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
  /** All is in memory, so nothing is kept there a second time. */
  readonly #memory: BlockMemory = {
    buffers: new BlockBuffers(),
    recent: new RecentBlocks(0),
    hasher: createInlineHasher(),
  }

  /** @param init `quota` is what the blocks may take together; by default as much as they like */
  constructor(components: { clock?: Clock } = {}, { quota = UNLIMITED }: { quota?: Quota } = {}) {
    const source: TaskSource = {
      load: async stored => this.#shared(stored),
      create: async (taskId, shape) => {
        this.#tasks.delete(taskId)
        return this.#shared({ taskId, ...shape, complete: false, storedBytes: 0, usedAt: 0, pinned: false })
      },
      erase: async taskId => void this.#tasks.delete(taskId),
    }
    const { clock = systemClock } = components
    this.#table = new TaskTable({ source, clock, disk: async () => ENDLESS, logger: silentLogger() }, quota)
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

  async find(taskId: TaskId): Promise<StoredTask | undefined> {
    return this.#table.find(taskId)
  }

  remove(taskId: TaskId): Promise<boolean> {
    return this.#table.remove(taskId)
  }

  pin(taskId: TaskId, pinned: boolean): Promise<boolean> {
    return this.#table.pin(taskId, pinned)
  }

  async share(): Promise<boolean> {
    return false
  }

  sweep(): Promise<TaskId[]> {
    return this.#table.sweep()
  }

  space(): Promise<StoreSpace> {
    return this.#table.space()
  }

  onRemoved(listener: (taskId: TaskId) => void): void {
    this.#table.onRemoved(listener)
  }

  #shared(stored: StoredTask): SharedTask {
    const { taskId, blockSizeBytes, sizeBytes, complete, usedAt, pinned } = stored
    const task = this.#tasks.get(taskId) ?? { digests: new Map(), blocks: new Map() }
    this.#tasks.set(taskId, task)
    const record = { blockSizeBytes, sizeBytes, complete, usedAt, pinned }
    const digests = new Map(task.digests)
    return new SharedTask(
      { taskId, record, digests, checked: new CheckedBlocks(), memory: this.#memory },
      this.#backing(task),
    )
  }

  #backing({ digests, blocks }: MemoryTask): TaskBacking {
    return {
      writeBlock: async (index, digest, bytes) => {
        blocks.set(index, new Uint8Array(bytes))
        digests.set(index, digest)
      },
      readBlock: async (index, offset, into) => {
        let from = offset
        let filled = 0
        for (let at = index; at === index || filled < into.length; at++) {
          const block = blocks.get(at)
          if (block === undefined) return false
          const part = block.subarray(from, from + into.length - filled)
          copyInto(into, filled, part)
          filled += part.length
          from = 0
        }
        return true
      },
      dropBlock: async index => {
        blocks.delete(index)
        digests.delete(index)
      },
      saveRecord: async () => {},
      flushed: async () => {},
      close: async () => {},
    }
  }

  async #empty(): Promise<void> {
    try {
      await this.#table.stop()
    } finally {
      this.#tasks.clear()
    }
  }
}
