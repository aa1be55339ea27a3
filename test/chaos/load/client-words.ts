import type { ChaosImage } from '../cluster/registry-words.ts'

/** What the runtime of a node is told: to pull an image. */
export interface PullOrder {
  readonly id: number
  readonly image: ChaosImage
  readonly inPieces: boolean
}

/** The end of an attempt that a runtime does not survive, though kubelet tries again. */
export interface Break {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly what: string
}

/** What a pull came to. Times are milliseconds since 1970. */
export interface PullReport {
  readonly id: number
  readonly startedAt: number
  readonly endedAt: number
  /** Why it failed; undefined when all is here and right. */
  readonly error?: string
  readonly bytes: number
  /** Bytes of contents that were not what their digest says. */
  readonly wrongBytes: number
  /** The longest time in which nothing came, and when that began. */
  readonly longestStallMs: number
  readonly stalledAt: number
  /** Requests that the mirror did not serve, with the reason of each. */
  readonly fallbacks: readonly Break[]
  readonly breaks: readonly Break[]
}
