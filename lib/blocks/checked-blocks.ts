import { crc32 } from 'node:zlib'

/** In place of a sum: the block is not known to be right, or it is and only its digest can tell whether it still is. */
const UNCHECKED = -1
const WITHOUT_SUM = -2

/**
 * The blocks of a task whose bytes were found to be the right ones in this run of the program. Of each it keeps a checksum, by which
 * bytes that are read from the disk again are recognised at a fraction of what a hash costs: that finds what a disk or another program
 * does to them by accident. What they must be is said by their digest alone.
 */
export class CheckedBlocks {
  /** By block. A plain array, and none before it is needed: there are many tasks, and most have a block or two. */
  #sums: number[] | undefined

  has(index: number): boolean {
    return this.#sumOf(index) !== UNCHECKED
  }

  /** Whether bytes of it can be recognised without their digest. */
  hasSum(index: number): boolean {
    return this.#sumOf(index) >= 0
  }

  /** The block is as it should be. @param bytes all of it; without them only its digest can tell that it still is */
  add(index: number, bytes?: Uint8Array): void {
    const sum = bytes === undefined ? WITHOUT_SUM : crc32(bytes)
    // An array that is made with its elements has no room for more.
    if (this.#sums === undefined && index === 0) this.#sums = [sum]
    this.#sums ??= []
    while (this.#sums.length < index) this.#sums.push(UNCHECKED)
    this.#sums[index] = sum
  }

  /** Whether these are the bytes that were found to be right; undefined when only the digest can tell. */
  matches(index: number, bytes: Uint8Array): boolean | undefined {
    const sum = this.#sumOf(index)
    return sum < 0 ? undefined : sum === crc32(bytes)
  }

  delete(index: number): void {
    if (this.#sums !== undefined && index < this.#sums.length) this.#sums[index] = UNCHECKED
  }

  #sumOf(index: number): number {
    return this.#sums?.[index] ?? UNCHECKED
  }
}
