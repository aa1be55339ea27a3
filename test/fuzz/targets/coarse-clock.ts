import type { Clock } from '../../../lib/clock.ts'

/** A clock on which a long time goes by at once: each timer that is due is called one time, however often it would have been. */
export interface CoarseClock extends Clock {
  advance(byMs: number): void
}

interface Timer {
  dueMs: number
  readonly intervalMs: number | undefined
  readonly callback: () => void
}

/** A clock at zero. */
export function createCoarseClock(): CoarseClock {
  const timers = new Set<Timer>()
  let nowMs = 0

  function add(delayMs: number, callback: () => void, intervalMs?: number): () => void {
    const timer = { dueMs: nowMs + delayMs, intervalMs, callback }
    timers.add(timer)
    return () => void timers.delete(timer)
  }

  return {
    now: () => nowMs,
    wallTime: () => Date.UTC(2026, 0, 1) + nowMs,
    every: (intervalMs, callback) => add(intervalMs, callback, intervalMs),
    after: (delayMs, callback) => add(delayMs, callback),
    advance(byMs) {
      nowMs += byMs
      for (const timer of [...timers]) {
        if (timer.dueMs > nowMs || !timers.has(timer)) continue
        if (timer.intervalMs === undefined) timers.delete(timer)
        else timer.dueMs = nowMs + timer.intervalMs
        timer.callback()
      }
    },
  }
}
