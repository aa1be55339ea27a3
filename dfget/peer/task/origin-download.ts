import type { BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import { cutBlocks } from '../../../lib/blocks/cut-blocks.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { openResumable, type ResumableRead, type ResumeComponents } from '../../../lib/origin/read-resumable.ts'
import type { Assembly } from './assembly.ts'

/** One read of the origin. */
export interface OriginRun {
  readonly read: ResumableRead
  /** The block whose first byte is the first of the read. */
  readonly fromBlock: number
  /** Whether the read shall go on with a block. */
  needed(block: number): boolean
}

/**
 * Reads a task straight from its origin into the assembly, from one block on until a block that need not be read. Used when
 * there is no supernode, and for what the swarm cannot deliver.
 */
export class OriginDownload {
  readonly #resume: ResumeComponents
  readonly #source: Source
  readonly #buffers: BlockBuffers
  readonly #controller = new AbortController()

  constructor(components: { resume: ResumeComponents; buffers: BlockBuffers }, source: Source) {
    this.#resume = components.resume
    this.#buffers = components.buffers
    this.#source = source
  }

  stop(): void {
    this.#controller.abort(new Error('the download was stopped'))
  }

  /** Opens the origin at a byte. @throws DamselflyError, in the origin's own words where it answered */
  open(startBytes: number): Promise<ResumableRead> {
    return openResumable(this.#resume, this.#source, { start: startBytes, signal: this.#controller.signal })
  }

  /**
   * Fills the assembly from an opened read whose first byte is the first of `fromBlock`. Ends, and closes the read, before the
   * first block that is not `needed` or at the end of the content.
   * @throws DamselflyError when the origin breaks off for good, or contradicts the block map
   */
  async fill(assembly: Assembly, { read, fromBlock, needed }: OriginRun): Promise<void> {
    if (read.sizeBytes !== undefined) await assembly.setSize(read.sizeBytes)
    let block = fromBlock
    let position = fromBlock * assembly.blockSizeBytes
    for await (const buffer of cutBlocks(read.body, assembly.blockSizeBytes, this.#buffers)) {
      const { length } = buffer.bytes
      position += length
      if (length < assembly.blockSizeBytes) await assembly.setSize(position)
      await assembly.accept(block, buffer, 'origin')
      block++
      if (!needed(block)) return
    }
    await assembly.setSize(position)
  }
}
