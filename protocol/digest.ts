import { createHash, hash } from 'node:crypto'
import type { Brand } from './brand.ts'
import { DamselflyError } from './errors.ts'

/** A content digest as OCI writes it, `sha256:<64 hex>` or `sha512:<128 hex>` (image-spec, "Digests"). */
export type Digest = Brand<string, 'Digest'>

/** The hash functions that may prove content. */
export type DigestAlgorithm = 'sha256' | 'sha512'

const HEX_LENGTH: Record<DigestAlgorithm, number> = { sha256: 64, sha512: 128 }

/** Whether the text is a digest that we accept. */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':')
  const algorithm = text.slice(0, colon)
  const hex = text.slice(colon + 1)
  return (
    Object.hasOwn(HEX_LENGTH, algorithm) &&
    hex.length === HEX_LENGTH[algorithm as DigestAlgorithm] &&
    /^[a-f0-9]+$/.test(hex)
  )
}

/** Reads a digest. @throws DamselflyError DIGEST_INVALID */
export function parseDigest(text: string): Digest {
  if (!isDigest(text))
    throw new DamselflyError('DIGEST_INVALID', 'expected sha256:<64 hex digits> or sha512:<128 hex digits>')
  return text
}

/** The hash function of a digest. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.slice(0, digest.indexOf(':')) as DigestAlgorithm
}

/** The hex part of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1)
}

/** Hashes bytes that are in memory. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest {
  return `${algorithm}:${hash(algorithm, bytes, 'hex')}` as Digest
}

/** Hashes content that arrives in pieces. */
export interface Digester {
  update(bytes: Uint8Array): void
  /** Ends the computation; the digester is spent afterwards. */
  digest(): Digest
}

/** A digester for content that arrives in pieces. */
export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const state = createHash(algorithm)
  return {
    update: bytes => void state.update(bytes),
    digest: () => `${algorithm}:${state.digest('hex')}` as Digest,
  }
}
