import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'

/** What comes before the seed in a private key of PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** An Ed25519 key pair (RFC 8032). */
export interface Ed25519Keys {
  readonly privateKey: KeyObject
  /** The 32 raw bytes of the public key in base64url. */
  readonly publicKey: string
}

/** The keys that a 32-byte seed stands for. */
export function keysOfSeed(seed: Uint8Array): Ed25519Keys {
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { privateKey, publicKey: x }
}
