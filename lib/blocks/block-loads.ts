import { type BlockDigest, sameBlockDigest } from '../../protocol/block-map.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Hasher } from '../hashing/hasher.ts'
import type { BlockBuffer, BlockBuffers } from './block-buffers.ts'
import type { CheckedBlocks } from './checked-blocks.ts'
import type { RecentBlocks } from './recent-blocks.ts'

/** What the tasks of a store share: memory for blocks, and who hashes them. */
export interface BlockMemory {
  readonly buffers: BlockBuffers
  readonly recent: RecentBlocks
  readonly hasher: Hasher
}

export interface BlockLoadsInit {
  readonly taskId: TaskId
  readonly memory: BlockMemory
  /** The blocks whose bytes are known to be what was written; those that are found to be are added. */
  readonly checked: CheckedBlocks
  /** Reads a block, and on into those behind it as far as there is room. @returns false when their bytes have gone */
  readonly read: (index: number, into: Uint8Array) => Promise<boolean>
}

/** A block that is wanted. */
export interface WantedBlock {
  readonly index: number
  readonly lengthBytes: number
  readonly digest: BlockDigest
  /** Whether it is still that block. */
  readonly current: () => boolean
}

interface Load {
  readonly done: Promise<BlockBuffer | undefined>
  /** How many wait for it. */
  holds: number
}

/** Brings blocks of one task into memory: once for all who want one at the same time, and not at all where it is there. */
export class BlockLoads {
  readonly #init: BlockLoadsInit
  readonly #loads = new Map<number, Load>()

  constructor(init: BlockLoadsInit) {
    this.#init = init
  }

  /** @returns the block, which the caller holds; undefined when it has gone or has other bytes than were written */
  load(wanted: WantedBlock): Promise<BlockBuffer | undefined> {
    const { taskId, memory } = this.#init
    const { index } = wanted
    const recent = memory.recent.get(taskId, index)
    if (recent !== undefined) return Promise.resolve(recent)
    const known = this.#loads.get(index)
    if (known !== undefined) {
      known.holds++
      return known.done
    }
    const load: Load = { done: this.#read(wanted, () => load.holds).finally(() => this.#loads.delete(index)), holds: 1 }
    this.#loads.set(index, load)
    return load.done
  }

  /**
   * Reads blocks that follow each other in one go. They are not kept. @returns their bytes, which the caller holds; undefined when one of them
   * has to be hashed, or has gone or has other bytes than were written
   */
  async loadRun(run: readonly WantedBlock[]): Promise<BlockBuffer | undefined> {
    const { memory, checked, read } = this.#init
    const [first] = run
    if (first === undefined || !run.every(({ index }) => checked.hasSum(index))) return undefined
    const all = memory.buffers.take(run.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0))
    try {
      if (!(await read(first.index, all.bytes))) return undefined
      let from = 0
      for (const { index, lengthBytes, current } of run) {
        const bytes = all.bytes.subarray(from, from + lengthBytes)
        if (checked.matches(index, bytes) !== true || !current()) return undefined
        from += lengthBytes
      }
      all.retain()
      return all
    } finally {
      all.release()
    }
  }

  async #read(wanted: WantedBlock, holds: () => number): Promise<BlockBuffer | undefined> {
    const { taskId, memory } = this.#init
    const block = memory.buffers.take(wanted.lengthBytes)
    try {
      if (!(await this.#isIntact(wanted, block.bytes))) return undefined
      memory.recent.keep(taskId, wanted.index, block, { isRead: true })
      for (let held = 0; held < holds(); held++) block.retain()
      return block
    } finally {
      block.release()
    }
  }

  async #isIntact({ index, digest, current }: WantedBlock, bytes: Uint8Array): Promise<boolean> {
    const { memory, checked, read } = this.#init
    if (!(await read(index, bytes))) return false
    // Each time: what a disk gives back is not always what was written on it, nor what it gave back before.
    if (checked.matches(index, bytes) === true) return current()
    const found = await memory.hasher.blockDigest(bytes)
    if (!sameBlockDigest(found, digest) || !current()) return false
    checked.add(index, bytes)
    return true
  }
}
