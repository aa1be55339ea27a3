import { crc32 } from 'node:zlib'
import { Bitfield } from '../../protocol/bitfield.ts'

/** In place of a sum that is not known. */
const UNKNOWN = -1

/**
 * The blocks of a task whose bytes were found to be the right ones in this run of the program. Of each it keeps a checksum, by which
 * bytes that are read from the disk again are recognised at a fraction of what a hash costs: that finds what a disk or another program
 * does to them by accident. What they must be is said by their digest alone.
 */
export class CheckedBlocks {
  readonly #checked = new Bitfield()
  /** By block. A plain array, since most tasks have a block or two. */
  readonly #sums: number[] = []

  has(index: number): boolean {
    return this.#checked.has(index)
  }

  /** The block is as it should be. @param bytes all of it; without them only its digest can tell that it still is */
  add(index: number, bytes?: Uint8Array): void {
    this.#checked.add(index)
    if (bytes === undefined) return
    while (this.#sums.length < index) this.#sums.push(UNKNOWN)
    this.#sums[index] = crc32(bytes)
  }

  /** Whether these are the bytes that were found to be right; undefined when only the digest can tell. */
  matches(index: number, bytes: Uint8Array): boolean | undefined {
    const sum = this.#sums[index] ?? UNKNOWN
    return sum === UNKNOWN ? undefined : sum === crc32(bytes)
  }

  delete(index: number): void {
    this.#checked.delete(index)
    if (index < this.#sums.length) this.#sums[index] = UNKNOWN
  }
}
