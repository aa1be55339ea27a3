import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import { defaultCrypto } from '@chainsafe/libp2p-noise/crypto'

const CIPHER = 'chacha20-poly1305'
const TAG_BYTES = 16
/** Below this size libp2p's own WebAssembly is faster than a call to OpenSSL. */
const MIN_BYTES = 1200

/**
 * The cryptography of noise, with a key object made once for each key. libp2p hands the bytes of the key to Node with every
 * message; Node then makes a key object of them each time, which costs more than to encrypt 64 KiB.
 */
export function createNoiseCrypto(): ICryptoInterface {
  /** By the array that noise keeps for the life of a connection, and never changes. */
  const keys = new WeakMap<Uint8Array, KeyObject>()

  function keyOf(bytes: Uint8Array): KeyObject {
    const known = keys.get(bytes)
    if (known !== undefined) return known
    const key = createSecretKey(bytes)
    keys.set(bytes, key)
    return key
  }

  return {
    ...defaultCrypto,
    chaCha20Poly1305Encrypt(plaintext, nonce, ad, k) {
      const lengthBytes = plaintext.byteLength
      if (lengthBytes < MIN_BYTES) return defaultCrypto.chaCha20Poly1305Encrypt(plaintext, nonce, ad, k)
      const cipher = createCipheriv(CIPHER, keyOf(k), nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(ad, { plaintextLength: lengthBytes })
      // A stream cipher: all of the text comes out of `update`, none of `final`.
      const text = cipher.update(plaintext.subarray())
      cipher.final()
      return Buffer.concat([text, cipher.getAuthTag()], lengthBytes + TAG_BYTES)
    },
    chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, dst) {
      if (ciphertext.byteLength < MIN_BYTES) return defaultCrypto.chaCha20Poly1305Decrypt(ciphertext, nonce, ad, k, dst)
      const lengthBytes = ciphertext.byteLength - TAG_BYTES
      const decipher = createDecipheriv(CIPHER, keyOf(k), nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(ad, { plaintextLength: lengthBytes })
      decipher.setAuthTag(ciphertext.subarray(lengthBytes))
      const text = decipher.update(ciphertext.subarray(0, lengthBytes))
      decipher.final()
      return text
    },
  }
}
