import { crc32 } from 'node:zlib'
import { Bitfield } from '../../protocol/bitfield.ts'

const FIRST_CAPACITY = 64

/**
 * The blocks of a task whose bytes were found to be the right ones in this run of the program. Of each it keeps a checksum, by which
 * bytes that are read from the disk again are recognised at a fraction of what a hash costs: that finds what a disk or another program
 * does to them by accident. What they must be is said by their digest alone.
 */
export class CheckedBlocks {
  readonly #checked = new Bitfield()
  readonly #summed = new Bitfield()
  #sums = new Uint32Array(FIRST_CAPACITY)

  has(index: number): boolean {
    return this.#checked.has(index)
  }

  /** The block is as it should be. @param bytes all of it; without them only its digest can tell that it still is */
  add(index: number, bytes?: Uint8Array): void {
    this.#checked.add(index)
    if (bytes === undefined) return
    if (index >= this.#sums.length) {
      const grown = new Uint32Array(Math.max(index + 1, this.#sums.length * 2))
      grown.set(this.#sums)
      this.#sums = grown
    }
    this.#sums[index] = crc32(bytes)
    this.#summed.add(index)
  }

  /** Whether these are the bytes that were found to be right; undefined when only the digest can tell. */
  matches(index: number, bytes: Uint8Array): boolean | undefined {
    return this.#summed.has(index) ? this.#sums[index] === crc32(bytes) : undefined
  }

  delete(index: number): void {
    this.#checked.delete(index)
    this.#summed.delete(index)
  }
}
