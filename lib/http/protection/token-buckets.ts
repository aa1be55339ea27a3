import type { Clock } from '../../clock.ts'

/** How much of something is allowed. */
export interface Allowance {
  /** On the average; 0 for no limit. */
  readonly perSecond: number
  /** At once, by somebody who has been quiet. */
  readonly burst: number
}

/** One bucket of tokens for each key, of which only those that are not full take memory. */
export interface TokenBuckets {
  /** Takes a token. @returns 0, or after how many milliseconds there is one again */
  take(key: string): number
  /** @returns 0, or after how many milliseconds there is a token again */
  waitMs(key: string): number
  /** How many buckets are not known to be full. */
  readonly size: number
}

/**
 * Buckets by the generic cell rate algorithm (ITU-T I.371): a bucket is one number, the time at which it is full. Whoever is refused
 * pays nothing. No bucket that is in use is ever forgotten: when there are too many, newcomers share one, until others are full again.
 * So whoever comes under many names gets no more than one bucket beyond the table, and frees nobody else from what he has used up.
 * @param maxBuckets most that are remembered
 */
export function createTokenBuckets(clock: Clock, allowance: Allowance, maxBuckets: number): TokenBuckets {
  const { perSecond } = allowance
  const intervalMs = 1000 / perSecond
  const burst = Math.max(1, allowance.burst)
  /** When each will be full, those that were used last at the end. */
  const fullAt = new Map<string, number>()
  let sharedFullAt = Number.NEGATIVE_INFINITY

  function waitOf(full: number, now: number): number {
    return Math.max(0, full - now - (burst - 1) * intervalMs)
  }

  /** Forgets two that are full again, so that the table shrinks faster than it grows. */
  function forgetFull(now: number): void {
    let looked = 0
    for (const [key, full] of fullAt) {
      if (full <= now) fullAt.delete(key)
      if (++looked === 2) return
    }
  }

  return {
    get size() {
      return fullAt.size
    },
    take(key) {
      if (perSecond === 0) return 0
      const now = clock.now()
      forgetFull(now)
      const known = fullAt.get(key)
      const isShared = known === undefined && fullAt.size >= maxBuckets
      const full = Math.max(now, isShared ? sharedFullAt : (known ?? now))
      const waitMs = waitOf(full, now)
      if (waitMs > 0) return waitMs
      if (isShared) sharedFullAt = full + intervalMs
      else {
        fullAt.delete(key)
        fullAt.set(key, full + intervalMs)
      }
      return 0
    },
    waitMs(key) {
      const full = fullAt.get(key) ?? (fullAt.size >= maxBuckets ? sharedFullAt : undefined)
      return perSecond === 0 || full === undefined ? 0 : waitOf(full, clock.now())
    },
  }
}
