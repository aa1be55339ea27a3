import type { BlockDigest } from '../../protocol/block-map.ts'
import type { Digest, DigestAlgorithm } from '../../protocol/digest.ts'

/** What a hash thread is asked to do; bytes are in shared memory, a digester is one that it keeps. */
export type HashWork =
  | { readonly type: 'block'; readonly bytes: Uint8Array }
  | {
      readonly type: 'update'
      readonly digester: number
      readonly algorithm: DigestAlgorithm
      readonly bytes: Uint8Array
    }
  | { readonly type: 'digest'; readonly digester: number; readonly algorithm: DigestAlgorithm }
  | { readonly type: 'abandon'; readonly digester: number }

export type HashTask = HashWork & { readonly id: number }

export interface HashAnswer {
  readonly id: number
  readonly result: BlockDigest | Digest | undefined
}
