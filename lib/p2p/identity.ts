import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { ensurePrivateDirectory, writeFileAtomically } from '../fs.ts'
import { OPEN_TO_OTHERS, readOwnFile } from '../own-file.ts'

const SEED_BYTES = 32

/**
 * The 32-byte secret behind an Ed25519 key, made at first use and kept 0600 in the data directory.
 * @param name file name without extension, for example `peer`
 * @throws DamselflyError CONFIG_INVALID when the file is not ours alone or is damaged, and as `ensurePrivateDirectory` does
 */
export async function loadOrCreateSeed(dataDirectory: string, name: string): Promise<Uint8Array> {
  await ensurePrivateDirectory(dataDirectory)
  const path = join(dataDirectory, `${name}.key`)
  const advice = 'remove it, and a new key is made, or put the old one back'
  const stored = await readOwnFile(path, { forbiddenMode: OPEN_TO_OTHERS, advice })
  if (stored?.length === SEED_BYTES) return stored
  if (stored !== undefined) {
    throw new DamselflyError(
      'CONFIG_INVALID',
      `${path} is damaged: ${stored.length} bytes, not ${SEED_BYTES}; ${advice}`,
    )
  }
  const seed = randomBytes(SEED_BYTES)
  await writeFileAtomically(path, seed, 0o600)
  return seed
}

/** The libp2p key whose public half is a peer's identity (PeerId). */
export function peerKeyFromSeed(seed: Uint8Array): Ed25519PrivateKey {
  // libp2p would compute the public half itself, which takes a cold program longer than all of its files.
  const { publicKey } = keysOfSeed(seed)
  return privateKeyFromRaw(Buffer.concat([seed, Buffer.from(publicKey, 'base64url')])) as Ed25519PrivateKey
}
