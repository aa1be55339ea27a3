import type { Clock } from '../clock.ts'
import type { ByteGate } from './byte-gate.ts'

/** How much of its time an idle limit saves up, to be used at once. */
const BURST_MS = 20
/** How late a busy process may come back to those who wait without loss of throughput. */
const LATE_MS = 100
/** What is granted at a time: as much as passes in this time, but neither less nor more than the bounds. */
const PIECE_MS = 20
const MIN_PIECE_BYTES = 1024
const MAX_PIECE_BYTES = 256 * 1024

/** One rate, shared by all who move bytes through it. */
export interface RateLimit extends ByteGate {
  /** 0 for no limit. */
  readonly bytesPerSecond: number
  /** Sets another rate, for those who wait too. @param bytesPerSecond 0 for no limit */
  change(bytesPerSecond: number): void
}

export interface RateLimitComponents {
  readonly clock: Clock
  /** Called with the time that somebody had to wait for the rate, in milliseconds. */
  readonly waited?: (durationMs: number) => void
}

interface Waiter {
  readonly maxBytes: number
  readonly settle: (bytes: number) => void
}

/**
 * A rate limit that serves those who wait in the order in which they came. Each asks for its next piece after the last one, so
 * all get equal shares and the queue is never longer than their number. From any moment on at most the rate passes, and on top
 * what passes in 40 ms, or in 120 ms while somebody waits: a timer that fires late must not make the limit a lower one.
 * @param bytesPerSecond 0 for no limit
 */
export function createRateLimit({ clock, waited = () => {} }: RateLimitComponents, bytesPerSecond = 0): RateLimit {
  const queue: Waiter[] = []
  let rate = bytesPerSecond
  /** Until when the time is used up by what was granted. */
  let usedUntilMs = Number.NEGATIVE_INFINITY
  /** When somebody last had to wait. */
  let contendedAtMs = Number.NEGATIVE_INFINITY
  let cancelTimer: (() => void) | undefined

  /** @returns 0 when the time has not come */
  function grant(maxBytes: number): number {
    if (rate === 0) return maxBytes
    const now = clock.now()
    const startMs = Math.max(usedUntilMs, now - (now - contendedAtMs > LATE_MS ? BURST_MS : LATE_MS))
    if (startMs > now) return 0
    // Whoever is alone and comes back late takes all that has passed by; with others about, each takes a piece in turn.
    const dueBytes = queue.length > 1 ? 0 : Math.floor(((now - startMs) * rate) / 1000)
    const bytes = Math.min(maxBytes, Math.max(pieceBytes(rate), Math.min(dueBytes, MAX_PIECE_BYTES)))
    usedUntilMs = startMs + (bytes * 1000) / rate
    return bytes
  }

  function serve(): void {
    cancelTimer?.()
    cancelTimer = undefined
    for (let waiter = queue[0]; waiter !== undefined; waiter = queue[0]) {
      contendedAtMs = clock.now()
      const bytes = grant(waiter.maxBytes)
      if (bytes === 0) {
        cancelTimer = clock.after(Math.max(0, usedUntilMs - clock.now()), serve)
        return
      }
      queue.shift()
      waiter.settle(bytes)
    }
  }

  function wait(maxBytes: number, signal: AbortSignal): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>()
    const sinceMs = clock.now()
    const waiter: Waiter = { maxBytes, settle }
    function settle(bytes: number): void {
      signal.removeEventListener('abort', abandon)
      waited(clock.now() - sinceMs)
      resolve(bytes)
    }
    function abandon(): void {
      queue.splice(queue.indexOf(waiter), 1)
      settle(0)
    }
    signal.addEventListener('abort', abandon)
    queue.push(waiter)
    if (cancelTimer === undefined) serve()
    return promise
  }

  return {
    get bytesPerSecond() {
      return rate
    },
    get open() {
      return rate === 0
    },
    async take(maxBytes, signal) {
      if (signal.aborted) return 0
      const bytes = queue.length === 0 ? grant(maxBytes) : 0
      return bytes > 0 ? bytes : wait(maxBytes, signal)
    },
    change(next) {
      const now = clock.now()
      // What was granted at a slower rate is paid off at the faster one; a slower one asks for nothing in retrospect.
      if (next === 0) usedUntilMs = Number.NEGATIVE_INFINITY
      else if (next > rate && usedUntilMs > now) usedUntilMs = now + ((usedUntilMs - now) * rate) / next
      rate = next
      serve()
    },
  }
}

function pieceBytes(rate: number): number {
  return Math.min(Math.max(Math.floor((rate * PIECE_MS) / 1000), MIN_PIECE_BYTES), MAX_PIECE_BYTES)
}
