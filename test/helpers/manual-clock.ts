import type { Clock } from '../../lib/clock.ts'

/** A clock that stands still until it is told to go on. */
export interface ManualClock extends Clock {
  /** Goes on by a time; what falls due on the way is called in order. */
  advance(byMs: number): void
}

interface Timer {
  dueMs: number
  readonly callback: () => void
  readonly intervalMs: number | undefined
}

/** A clock at zero, and at the given time of day. */
export function createManualClock(wallTimeMs = Date.UTC(2026, 0, 1)): ManualClock {
  const timers = new Set<Timer>()
  let nowMs = 0

  function add(dueMs: number, callback: () => void, intervalMs?: number): () => void {
    const timer: Timer = { dueMs, callback, intervalMs }
    timers.add(timer)
    return () => void timers.delete(timer)
  }

  return {
    now: () => nowMs,
    wallTime: () => wallTimeMs + nowMs,
    every: (intervalMs, callback) => add(nowMs + intervalMs, callback, intervalMs),
    after: (delayMs, callback) => add(nowMs + delayMs, callback),
    advance(byMs) {
      const endMs = nowMs + byMs
      while (true) {
        const next = [...timers].sort((a, b) => a.dueMs - b.dueMs)[0]
        if (next === undefined || next.dueMs > endMs) break
        nowMs = Math.max(nowMs, next.dueMs)
        if (next.intervalMs === undefined) timers.delete(next)
        else next.dueMs += next.intervalMs
        next.callback()
      }
      nowMs = endMs
    },
  }
}
