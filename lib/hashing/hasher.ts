import type { BlockDigest } from '../../protocol/block-map.ts'
import type { Digest, DigestAlgorithm } from '../../protocol/digest.ts'
import type { Startable } from '../lifecycle.ts'

/** Hashes what passes through a program. Bytes that are being hashed must not change. */
export interface Hasher extends Startable {
  blockDigest(bytes: Uint8Array): Promise<BlockDigest>
  /** For content that arrives in pieces. */
  digester(algorithm: DigestAlgorithm): RunningDigest
}

/** The digest of content that arrives in pieces. */
export interface RunningDigest {
  /** Hashes the next piece, after those of the calls before. */
  update(bytes: Uint8Array): Promise<void>
  /** Ends the computation. */
  digest(): Promise<Digest>
  /** Ends a computation that nobody needs any more. */
  abandon(): void
}
