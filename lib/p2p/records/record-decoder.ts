import { LENGTH_BYTES, MAX_TEXT_BYTES, sealedBytes, TAG_BYTES } from './record-cipher.ts'
import type { SpareMemory } from './spare-memory.ts'

/** Bytes of the longest record. */
export const LARGEST_BYTES = sealedBytes(MAX_TEXT_BYTES)

/** Finds the records in a stream of bytes. */
export class RecordDecoder {
  readonly #memory: SpareMemory
  readonly #record: (sealed: Uint8Array) => void
  /** The beginning of a record whose end has not come yet. */
  #begun: Buffer | undefined
  #begunBytes = 0

  /**
   * @param memory for records that come in pieces, of `LARGEST_BYTES` each. Some is needed only in the middle of a record
   * @param record is given each record without its length, good until it returns
   */
  constructor(memory: SpareMemory, record: (sealed: Uint8Array) => void) {
    this.#memory = memory
    this.#record = record
  }

  /** Takes the next bytes. @throws Error for a length that no record has, and what `record` throws */
  push(chunk: Uint8Array): void {
    let rest = chunk
    while (rest.length > 0) rest = this.#begun === undefined ? this.#whole(rest) : this.#goOn(this.#begun, rest)
  }

  /** @returns what is behind the record that the bytes begin with, if all of it is here */
  #whole(bytes: Uint8Array): Uint8Array {
    const recordBytes = bytes.length < LENGTH_BYTES ? LARGEST_BYTES : recordBytesOf(bytes)
    if (bytes.length >= recordBytes) {
      this.#record(bytes.subarray(LENGTH_BYTES, recordBytes))
      return bytes.subarray(recordBytes)
    }
    this.#begun = this.#memory.take()
    this.#begun.set(bytes)
    this.#begunBytes = bytes.length
    return bytes.subarray(bytes.length)
  }

  #goOn(begun: Buffer, bytes: Uint8Array): Uint8Array {
    const known = this.#begunBytes < LENGTH_BYTES ? LENGTH_BYTES : recordBytesOf(begun)
    const added = Math.min(known - this.#begunBytes, bytes.length)
    begun.set(added === bytes.length ? bytes : bytes.subarray(0, added), this.#begunBytes)
    this.#begunBytes += added
    if (known > LENGTH_BYTES && this.#begunBytes === known) {
      this.#begun = undefined
      this.#record(begun.subarray(LENGTH_BYTES, known))
      this.#memory.giveBack(begun)
    }
    return bytes.subarray(added)
  }
}

function recordBytesOf(bytes: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes
  const textBytes = a * 2 ** 24 + (b << 16) + (c << 8) + d
  if (textBytes === 0 || textBytes > MAX_TEXT_BYTES) throw new Error(`a record of ${textBytes} bytes`)
  return LENGTH_BYTES + textBytes + TAG_BYTES
}
