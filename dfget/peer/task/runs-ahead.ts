import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { Assembly } from './assembly.ts'

/** Blocks that are read in one go: so many that what a read costs besides its bytes does not count. */
const RUN_BYTES = 1024 * 1024

interface Run {
  readonly from: number
  readonly to: number
  readonly done: Promise<BlockBuffer | undefined>
}

/** What is read: content that comes together here. */
type RunSource = Pick<Assembly, 'complete' | 'blockSizeBytes' | 'run'>

/** Reads complete content for somebody who goes through it in order: many blocks at once, and the next ones while these are on their way. */
export class RunsAhead {
  readonly #content: RunSource
  readonly #end: number
  #next: Run | undefined

  /** @param end the block behind the last that is wanted */
  constructor(content: RunSource, end: number) {
    this.#content = content
    this.#end = end
  }

  /** @returns blocks from that one on, which the caller holds; undefined where it has to be asked for by itself */
  async take(block: number): Promise<BlockBuffer | undefined> {
    if (!this.#content.complete) return undefined
    if (this.#next?.from !== block) this.close()
    const run = this.#next ?? this.#begin(block)
    this.#next = undefined
    const blocks = await run?.done
    if (blocks !== undefined && run !== undefined) this.#next = this.#begin(run.to)
    return blocks
  }

  /** Nobody reads on. */
  close(): void {
    const next = this.#next
    this.#next = undefined
    void next?.done.then(blocks => blocks?.release())
  }

  /** Starts to read what follows; undefined where that is a single block. */
  #begin(from: number): Run | undefined {
    const to = Math.min(from + Math.floor(RUN_BYTES / this.#content.blockSizeBytes), this.#end)
    if (to - from < 2) return undefined
    // What cannot be read so is read, or fails, by itself.
    return { from, to, done: this.#content.run(from, to).catch(() => undefined) }
  }
}
