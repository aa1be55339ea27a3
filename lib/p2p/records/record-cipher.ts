import { createCipheriv, createDecipheriv } from 'node:crypto'
import type { RecordKeys } from './record-keys.ts'

const CIPHER = 'aes-256-gcm'

/** A record is the length of its text (u32, big-endian), the text encrypted, and a tag. */
export const LENGTH_BYTES = 4
export const TAG_BYTES = 16

/** Text of one record, at most. */
export const MAX_TEXT_BYTES = 64 * 1024

/** Bytes of the records that hold so much text. */
export function sealedBytes(textBytes: number): number {
  return textBytes + Math.ceil(textBytes / MAX_TEXT_BYTES) * (LENGTH_BYTES + TAG_BYTES)
}

/**
 * Seals the pieces one after the other into records.
 * @param sealed is written to from its beginning; has room for `sealedBytes(textBytes)`
 * @returns what was written of it
 */
export function seal(keys: RecordKeys, pieces: Iterable<Uint8Array>, textBytes: number, sealed: Buffer): Uint8Array {
  let at = 0
  let left = textBytes
  let record = beginRecord(keys, sealed, at, left)
  for (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      if (record.left === 0) {
        at = record.end()
        record = beginRecord(keys, sealed, at, left)
      }
      const now = rest.length <= record.left ? rest : rest.subarray(0, record.left)
      record.add(now)
      left -= now.length
      rest = rest.subarray(now.length)
    }
  }
  return sealed.subarray(0, record.end())
}

function beginRecord(keys: RecordKeys, sealed: Buffer, start: number, textBytes: number) {
  const length = Math.min(textBytes, MAX_TEXT_BYTES)
  sealed.writeUInt32BE(length, start)
  const { key, nonce } = keys.next()
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  let at = start + LENGTH_BYTES
  return {
    left: length,
    add(text: Uint8Array): void {
      sealed.set(cipher.update(text), at)
      at += text.length
      this.left -= text.length
    },
    end(): number {
      cipher.final()
      sealed.set(cipher.getAuthTag(), at)
      return at + TAG_BYTES
    },
  }
}

/** The text of one record, given without its length. @throws Error when it is not what was sealed next */
export function unseal(keys: RecordKeys, sealed: Uint8Array): Uint8Array {
  const { key, nonce } = keys.next()
  const textBytes = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAuthTag(sealed.subarray(textBytes))
  const text = decipher.update(sealed.subarray(0, textBytes))
  decipher.final()
  return text
}
