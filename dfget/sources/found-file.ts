import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'

/** One of the files that an argument stands for: a directory, a prefix, an artifact. */
export interface FoundFile {
  readonly source: Source
  /** All that the content must match. */
  readonly digests: readonly Digest[]
  /** Where to write it below the output directory: names separated by `/`, none of which leads elsewhere. */
  readonly path: string
  /** When whoever listed it told. */
  readonly sizeBytes?: number | undefined
}
