import { randomBytes } from 'node:crypto'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'
import { expect, test } from 'vitest'
import { createNoiseCrypto } from '../../../../lib/p2p/noise-crypto.ts'

const key = Uint8Array.from(randomBytes(32))
const nonce = Uint8Array.from(randomBytes(12))

test.each([0, 1, 1199, 1200, 65_519])('text of %d bytes passes between it and the crypto of libp2p', lengthBytes => {
  const crypto = createNoiseCrypto()
  const text = Uint8Array.from(randomBytes(lengthBytes))
  const data = Uint8Array.from(randomBytes(32))
  const ours = crypto.chaCha20Poly1305Encrypt(text, nonce, data, key).subarray()
  const theirs = defaultCrypto.chaCha20Poly1305Encrypt(text, nonce, data, key).subarray()
  expect(Buffer.from(ours)).toEqual(Buffer.from(theirs))
  const read = crypto.chaCha20Poly1305Decrypt(Uint8Array.from(theirs), nonce, data, key).subarray()
  expect(Buffer.from(read)).toEqual(Buffer.from(text))
})

test('text that was changed, or belongs to other data, is refused', () => {
  const crypto = createNoiseCrypto()
  const none = new Uint8Array(0)
  const sealed = crypto.chaCha20Poly1305Encrypt(new Uint8Array(4096), nonce, none, key).subarray()
  const changed = Uint8Array.from(sealed)
  changed[100] = ~(changed[100] ?? 0)
  expect(() => crypto.chaCha20Poly1305Decrypt(changed, nonce, none, key)).toThrow()
  expect(() => crypto.chaCha20Poly1305Decrypt(sealed, nonce, new Uint8Array(1), key)).toThrow()
})

test('each key encrypts by itself', () => {
  const crypto = createNoiseCrypto()
  const none = new Uint8Array(0)
  const other = Uint8Array.from(randomBytes(32))
  const sealed = crypto.chaCha20Poly1305Encrypt(new Uint8Array(4096), nonce, none, key).subarray()
  expect(() => crypto.chaCha20Poly1305Decrypt(sealed, nonce, none, other)).toThrow()
  expect(crypto.chaCha20Poly1305Decrypt(sealed, nonce, none, key).byteLength).toBe(4096)
})
