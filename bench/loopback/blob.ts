import type { Digest } from '../../protocol/digest.ts'

/** A blob in the registry of a benchmark. */
export interface RegistryBlob {
  readonly digest: Digest
  readonly sizeBytes: number
  /** Behind the URL of the registry, and behind that of a dfdaemon before it. */
  readonly path: string
}
