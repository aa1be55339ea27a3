/** A growable set of block indices, one bit each, most significant bit first (as BitTorrent's BEP 3 lays it out). */
export class Bitfield {
  #bits: Uint8Array
  #count = 0

  /** @param capacity number of bits to reserve; it grows as needed */
  constructor(capacity = 0) {
    this.#bits = new Uint8Array(Math.ceil(capacity / 8))
  }

  /** Reads a bitfield from its wire form. The bytes are copied. */
  static fromBytes(bytes: Uint8Array): Bitfield {
    const field = new Bitfield()
    // Not bytes.slice(): of a Buffer that would be a view of the same memory.
    field.#bits = new Uint8Array(bytes)
    for (const byte of bytes) field.#count += POPULATION[byte] ?? 0
    return field
  }

  /** How many bits are set. */
  get count(): number {
    return this.#count
  }

  /** Eight bits at once: those of the indices from 8 × `at` on, the first one in the most significant bit. 0 past the end. */
  byteAt(at: number): number {
    return at < this.#bits.length ? (this.#bits[at] ?? 0) : 0
  }

  has(index: number): boolean {
    // Shifts wrap at 2^32, so that an index past the end would otherwise name a bit inside.
    if (index >= this.#bits.length * 8) return false
    return ((this.#bits[index >>> 3] ?? 0) & (0x80 >>> (index & 7))) !== 0
  }

  /** Sets a bit. @returns whether it was clear before. @throws RangeError for what is not an index below 2^31 */
  add(index: number): boolean {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_BITS) throw new RangeError(`${index} is not a bit index`)
    const at = index >>> 3
    if (at >= this.#bits.length) this.#grow(at + 1)
    const mask = 0x80 >>> (index & 7)
    const byte = this.#bits[at] ?? 0
    if ((byte & mask) !== 0) return false
    this.#bits[at] = byte | mask
    this.#count++
    return true
  }

  /** Clears a bit. @returns whether it was set before */
  delete(index: number): boolean {
    if (!this.has(index)) return false
    const at = index >>> 3
    this.#bits[at] = (this.#bits[at] ?? 0) & ~(0x80 >>> (index & 7))
    this.#count--
    return true
  }

  /** The first index at or after `from` that is not set. Always exists, because the field is unbounded above. */
  firstClear(from = 0): number {
    let index = from
    while (this.has(index)) index = (index & 7) === 0 && this.#bits[index >>> 3] === 0xff ? index + 8 : index + 1
    return index
  }

  /** The set indices in ascending order. */
  *[Symbol.iterator](): Generator<number> {
    for (let at = 0; at < this.#bits.length; at++) {
      const byte = this.#bits[at] ?? 0
      if (byte === 0) continue
      for (let bit = 0; bit < 8; bit++) if ((byte & (0x80 >>> bit)) !== 0) yield at * 8 + bit
    }
  }

  /** The wire form, without trailing zero bytes. */
  toBytes(): Uint8Array {
    let length = this.#bits.length
    while (length > 0 && this.#bits[length - 1] === 0) length--
    return this.#bits.slice(0, length)
  }

  #grow(length: number): void {
    const grown = new Uint8Array(Math.max(length, this.#bits.length * 2, 16))
    grown.set(this.#bits)
    this.#bits = grown
  }
}

const MAX_BITS = 2 ** 31

const POPULATION = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)
