import { createPrivateKey, createPublicKey, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { ensurePrivateDirectory, writeFileAtomically } from '../fs.ts'

const SEED_BYTES = 32

/** What comes before the seed in a private key of PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/**
 * The 32-byte secret behind an Ed25519 key, made at first use and kept 0600 in the data directory.
 * @param name file name without extension, for example `peer`
 */
export async function loadOrCreateSeed(dataDirectory: string, name: string): Promise<Uint8Array> {
  await ensurePrivateDirectory(dataDirectory)
  const path = join(dataDirectory, `${name}.key`)
  const stored = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (stored?.length === SEED_BYTES) return stored
  const seed = randomBytes(SEED_BYTES)
  await writeFileAtomically(path, seed, 0o600)
  return seed
}

/** The libp2p key whose public half is a peer's identity (PeerId). */
export function peerKeyFromSeed(seed: Uint8Array): Ed25519PrivateKey {
  // libp2p would compute the public half itself, which takes a cold program longer than all of its files.
  const key = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' })
  return privateKeyFromRaw(Buffer.concat([seed, Buffer.from(x, 'base64url')])) as Ed25519PrivateKey
}
