import type { Clock } from './clock.ts'

/** What counts as the same time: the way of an answer takes its time too. */
const TOLERANCE_MS = 2_000

/**
 * A clock whose wall time is the cluster's, as its supernode tells it: by it count tickets and credentials, whose times the supernode
 * has set. So a node whose own clock is wrong can give and take all the same.
 */
export class ClusterClock implements Clock {
  readonly #own: Clock
  #aheadMs = 0

  /** @param own the machine's */
  constructor(own: Clock) {
    this.#own = own
  }

  /** @param now of the supernode, just heard, in milliseconds since 1970 */
  learn(now: number): void {
    const aheadMs = now - this.#own.wallTime()
    if (Math.abs(aheadMs - this.#aheadMs) > TOLERANCE_MS) this.#aheadMs = Math.abs(aheadMs) > TOLERANCE_MS ? aheadMs : 0
  }

  now(): number {
    return this.#own.now()
  }

  wallTime(): number {
    return this.#own.wallTime() + this.#aheadMs
  }

  every(intervalMs: number, callback: () => void): () => void {
    return this.#own.every(intervalMs, callback)
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#own.after(delayMs, callback)
  }
}
