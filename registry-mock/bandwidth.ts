import type { Clock } from '../lib/clock.ts'

/** How late a timer may fire without loss of throughput; also how much may be sent at once after a pause. */
const BURST_MS = 20
const MIN_PIECE_BYTES = 1024
const MAX_PIECE_BYTES = 256 * 1024

/** Shares one rate among all answers of a registry. */
export interface BandwidthLimit {
  /** How much an answer should take at a time, so that others get their turn. */
  readonly pieceBytes: number
  /** Waits until the bytes may be sent. False when the signal ended the wait; nothing is taken from the rate then. */
  take(sizeBytes: number, signal: AbortSignal): Promise<boolean>
}

interface Waiter {
  readonly sizeBytes: number
  resolve(granted: boolean): void
}

/**
 * A limit across all connections. Waiters are served first come, first served, and each connection waits for one piece
 * at a time, so connections get equal shares and the queue is never longer than the number of connections.
 * @param bytesPerSecond undefined for no limit
 */
export function createBandwidthLimit(clock: Clock, bytesPerSecond: number | undefined): BandwidthLimit {
  if (bytesPerSecond === undefined) {
    return { pieceBytes: Number.POSITIVE_INFINITY, take: async (_, signal) => !signal.aborted }
  }
  const queue: Waiter[] = []
  let freeAtMs = Number.NEGATIVE_INFINITY
  let timerRuns = false

  function serve(): void {
    timerRuns = false
    for (let waiter = queue[0]; waiter !== undefined; waiter = queue[0]) {
      const now = clock.now()
      const startMs = Math.max(freeAtMs, now - BURST_MS)
      if (startMs > now) {
        timerRuns = true
        clock.after(startMs - now, serve)
        return
      }
      freeAtMs = startMs + (waiter.sizeBytes * 1000) / (bytesPerSecond as number)
      queue.shift()
      waiter.resolve(true)
    }
  }

  return {
    pieceBytes: Math.min(Math.max(Math.floor(bytesPerSecond / 50), MIN_PIECE_BYTES), MAX_PIECE_BYTES),
    take(sizeBytes, signal) {
      if (signal.aborted) return Promise.resolve(false)
      const { promise, resolve } = Promise.withResolvers<boolean>()
      const waiter: Waiter = { sizeBytes, resolve: settle }
      function settle(granted: boolean): void {
        signal.removeEventListener('abort', abandon)
        resolve(granted)
      }
      function abandon(): void {
        queue.splice(queue.indexOf(waiter), 1)
        settle(false)
      }
      signal.addEventListener('abort', abandon)
      queue.push(waiter)
      if (!timerRuns) serve()
      return promise
    },
  }
}
