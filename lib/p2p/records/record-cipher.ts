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

/** Encrypts the text of one record. */
export type Cipher = ReturnType<typeof beginCipher>

/** What the next record is encrypted with. */
export function beginCipher(keys: RecordKeys) {
  const { key, nonce } = keys.next()
  return createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
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
