import type { Digest } from '../../protocol/digest.ts'
import type { TaskAccount } from '../../protocol/messages/daemon-api.ts'

/** What a peer is told to fetch. */
export interface Wanted {
  /** At the origin. */
  readonly url: string
  readonly digest: Digest
}

/** What a peer tells of content that it has fetched, verified and stored. */
export interface Fetched {
  /** From the call that opens the content to its last byte. */
  readonly elapsedMs: number
  /** Processor time of the peer meanwhile. */
  readonly cpuSeconds: number
  readonly sizeBytes: number
  /** Where the bytes came from. */
  readonly account: TaskAccount
}
