import { beginCipher, type Cipher, LENGTH_BYTES, MAX_TEXT_BYTES } from './record-cipher.ts'
import type { RecordKeys } from './record-keys.ts'

interface OpenRecord {
  readonly cipher: Cipher
  /** Where the length of the text goes when it is known. */
  readonly head: Buffer
  textBytes: number
}

/** Seals text as it comes: nothing that it is given is needed any more when it returns. What is sealed waits until it is taken. */
export class RecordSealer {
  readonly #keys: RecordKeys
  #sealed: Uint8Array[] = []
  #sealedBytes = 0
  #record: OpenRecord | undefined

  constructor(keys: RecordKeys) {
    this.#keys = keys
  }

  /** Bytes that are sealed and not taken. */
  get waitingBytes(): number {
    return this.#sealedBytes
  }

  add(text: Uint8Array): void {
    for (let rest = text; rest.length > 0; ) {
      this.#record ??= this.#begin()
      const record = this.#record
      const room = MAX_TEXT_BYTES - record.textBytes
      const now = rest.length <= room ? rest : rest.subarray(0, room)
      this.#put(record.cipher.update(now))
      record.textBytes += now.length
      if (record.textBytes === MAX_TEXT_BYTES) this.#end()
      rest = rest.subarray(now.length)
    }
  }

  /** All that waits, in records that are complete. */
  take(): Uint8Array[] {
    this.#end()
    const sealed = this.#sealed
    this.#sealed = []
    this.#sealedBytes = 0
    return sealed
  }

  #begin(): OpenRecord {
    const head = Buffer.allocUnsafe(LENGTH_BYTES)
    this.#put(head)
    return { cipher: beginCipher(this.#keys), head, textBytes: 0 }
  }

  #end(): void {
    if (this.#record === undefined) return
    const { cipher, head, textBytes } = this.#record
    this.#record = undefined
    cipher.final()
    head.writeUInt32BE(textBytes)
    this.#put(cipher.getAuthTag())
  }

  #put(bytes: Uint8Array): void {
    this.#sealed.push(bytes)
    this.#sealedBytes += bytes.length
  }
}
