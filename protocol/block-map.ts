import { hash, timingSafeEqual } from 'node:crypto'
import type { Brand } from './brand.ts'
import type { ByteRange } from './range.ts'

/** The sha256 of a block's bytes, 32 bytes. */
export type BlockDigest = Brand<Uint8Array, 'BlockDigest'>

/** Length of a block digest in bytes. */
export const BLOCK_DIGEST_BYTES = 32

/** Names a block by its bytes. */
export function blockDigestOf(bytes: Uint8Array): BlockDigest {
  return Uint8Array.from(hash('sha256', bytes, 'buffer')) as BlockDigest
}

/** Whether two block digests are the same. */
export function sameBlockDigest(a: BlockDigest, b: BlockDigest): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}

/**
 * The block digests of a task, in order. It grows while the origin is still being read (cut-through): `length` blocks are
 * known so far, and `sizeBytes` becomes known with the origin's headers or, failing those, with its end.
 */
export class BlockMap {
  readonly blockSizeBytes: number
  readonly #digests: BlockDigest[] = []
  #sizeBytes: number | undefined

  constructor(blockSizeBytes: number, sizeBytes?: number) {
    this.blockSizeBytes = blockSizeBytes
    this.#sizeBytes = sizeBytes
  }

  /** How many blocks are known. */
  get length(): number {
    return this.#digests.length
  }

  get sizeBytes(): number | undefined {
    return this.#sizeBytes
  }

  /** How many blocks the task has, once its size is known. */
  get blockCount(): number | undefined {
    return this.#sizeBytes === undefined ? undefined : blockCountOf(this.#sizeBytes, this.blockSizeBytes)
  }

  /** Whether every block is known. */
  get complete(): boolean {
    return this.blockCount === this.#digests.length
  }

  digestAt(index: number): BlockDigest | undefined {
    return this.#digests[index]
  }

  /** Adds the next block. */
  append(digest: BlockDigest): void {
    this.#digests.push(digest)
  }

  setSize(sizeBytes: number): void {
    this.#sizeBytes = sizeBytes
  }

  /** The digests of blocks `from` ≤ index < `to` as one run, for the wire. */
  slice(from: number, to: number): Uint8Array {
    return Buffer.concat(this.#digests.slice(from, to))
  }

  /**
   * Takes a run of digests that starts at block `from`. Blocks that are known already are passed over.
   * @returns false, and nothing taken, when the run leaves a gap, is not whole digests or goes past the end of the content
   */
  extend(from: number, run: Uint8Array): boolean {
    if (!Number.isInteger(from) || from < 0 || from > this.#digests.length) return false
    if (run.length % BLOCK_DIGEST_BYTES !== 0) return false
    const blocks = run.length / BLOCK_DIGEST_BYTES
    if (from + blocks > (this.blockCount ?? Number.POSITIVE_INFINITY)) return false
    for (let index = this.#digests.length; index < from + blocks; index++) {
      const at = (index - from) * BLOCK_DIGEST_BYTES
      // A copy, which slice() of a Buffer would not be: the run is often a view of a network buffer.
      this.#digests.push(Uint8Array.from(run.subarray(at, at + BLOCK_DIGEST_BYTES)) as BlockDigest)
    }
    return true
  }
}

/** How many blocks content of this size has. Empty content has none. */
export function blockCountOf(sizeBytes: number, blockSizeBytes: number): number {
  return Math.ceil(sizeBytes / blockSizeBytes)
}

/** Where a block of the content lies in it. With an unknown size the block is taken to be a full one. */
export function blockRange(index: number, blockSizeBytes: number, sizeBytes: number | undefined): ByteRange {
  const start = index * blockSizeBytes
  return { start, end: Math.min(start + blockSizeBytes, sizeBytes ?? Number.POSITIVE_INFINITY) }
}
