import type { BlockBuffer } from '../../lib/blocks/block-buffers.ts'
import type { TaskBlocks } from '../../lib/blocks/block-store.ts'
import type { BlockDigest, BlockMap } from '../../protocol/block-map.ts'
import type { TaskId } from '../../protocol/task.ts'

/**
 * - `idle`: some blocks may be here, nobody reads the origin
 * - `reading`: the origin is being read
 * - `complete`: all blocks are here and the digest of the whole was checked
 * - `failed`: the last read broke off for good; the next registration starts another one
 */
export type SeedState = 'idle' | 'reading' | 'complete' | 'failed'

/** A task as the supernode holds it: its blocks, and the block map that grows with them. */
export class SeedTask {
  readonly taskId: TaskId
  readonly blocks: TaskBlocks
  readonly map: BlockMap
  state: SeedState
  contentType: string | undefined
  /** When it was last asked for, on the clock of its seeder. */
  askedAtMs = 0

  constructor(taskId: TaskId, blocks: TaskBlocks, map: BlockMap) {
    this.taskId = taskId
    this.blocks = blocks
    this.map = map
    this.state = blocks.complete ? 'complete' : 'idle'
  }

  /** How many blocks from the beginning on can be given away. */
  get readyBlocks(): number {
    return this.map.length
  }

  async setSize(sizeBytes: number): Promise<void> {
    await this.blocks.setSize(sizeBytes)
    this.map.setSize(sizeBytes)
  }

  /** Stores the next block. */
  async append(digest: BlockDigest, block: BlockBuffer): Promise<void> {
    await this.blocks.write(this.map.length, digest, block)
    this.map.append(digest)
  }
}
