import { setTimeout as delay } from 'node:timers/promises'
import { expect } from 'vitest'

/** What a limit may give at once, in time: see lib/limits/rate-limit.ts. */
const BURST_MS = 120
const SAMPLE_MS = 25
/** A timer that fires this late shows that the machine gave the process no time. */
const STARVED_MS = 15
/** Windows that miss the rate although the process had its time, and windows at all. */
const MAX_MISSES = 4
const MAX_WINDOWS = 6

/** How a rate is watched. */
export interface RateWatch {
  /** What may have been on its way when the watch began, in bytes. */
  readonly slackBytes?: number
  /** Long enough that a step of the count is less than a few per cent of what passes in it. */
  readonly windowMs?: number
}

/**
 * Watches a growing count of bytes that a limit holds back. At no time may it be more than the limit has allowed since the
 * beginning of the watch. In some window it must be within 5 % of the limit; a window in which the machine was too busy with
 * other things to run this process in time says nothing, and where all are such nothing is asked of the rate but that it holds.
 */
export async function expectSteadyRate(
  bytesPerSecond: number,
  count: () => number,
  { slackBytes = 0, windowMs = 1_500 }: RateWatch = {},
): Promise<void> {
  const start = { atMs: performance.now(), bytes: count() }
  const ratios: string[] = []
  for (let window = 0, misses = 0; window < MAX_WINDOWS && misses < MAX_MISSES; window++) {
    const from = { atMs: performance.now(), bytes: count() }
    let starved = false
    for (let at = from.atMs; at < from.atMs + windowMs; ) {
      await delay(SAMPLE_MS)
      const now = performance.now()
      starved ||= now - at > SAMPLE_MS + STARVED_MS
      at = now
      const allowed = ((now - start.atMs + BURST_MS) / 1000) * bytesPerSecond + slackBytes
      expect(count() - start.bytes, 'more than the limit').toBeLessThanOrEqual(allowed)
    }
    const ratio = ((count() - from.bytes) * 1000) / (performance.now() - from.atMs) / bytesPerSecond
    if (Math.abs(ratio - 1) <= 0.05) return
    ratios.push(`${ratio.toFixed(3)}${starved ? ' (starved)' : ''}`)
    if (!starved) misses++
    if (misses === MAX_MISSES)
      expect.fail(`no window within 5 % of the limit; the shares of it were ${ratios.join(', ')}`)
  }
  process.emitWarning(`the machine was too busy to show whether a rate is reached: ${ratios.join(', ')}`)
}
