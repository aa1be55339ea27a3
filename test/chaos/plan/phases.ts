/** A stretch of time, in milliseconds since the load began. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** What happens when in a run. */
export interface Phases {
  /** When pulls begin. Between these stretches nothing is pulled. */
  readonly loads: readonly Span[]
  /** When faults are there; all have healed at its end, but for programs that are still starting. */
  readonly faults: Span
  /** When what the programs hold is measured: after the warm-up, after the faults, and at the end. */
  readonly measuredAtMs: readonly [number, number, number]
}

const SECOND_MS = 1_000

/** A run needs time for a warm-up, some faults, and pulls after them. */
export const MIN_MINUTES = 2

const WARM_UP_MS = 20 * SECOND_MS
/** So long the programs are left in peace before they are measured. */
const PAUSE_MS = 12 * SECOND_MS
/** Between the last healing and the pause behind it: programs start, and everybody finds everybody again. */
const SETTLE_MS = 8 * SECOND_MS
const AFTER_MS = 20 * SECOND_MS
const LAST_PAUSE_MS = 15 * SECOND_MS

/** Divides the minutes of a run. The last pulls begin some seconds before its end. */
export function phasesOf(minutes: number): Phases {
  const endMs = minutes * 60 * SECOND_MS
  const afterToMs = endMs - LAST_PAUSE_MS
  const afterFromMs = afterToMs - AFTER_MS
  const chaosToMs = afterFromMs - PAUSE_MS
  const chaosFromMs = WARM_UP_MS + PAUSE_MS
  return {
    loads: [
      { fromMs: 0, toMs: WARM_UP_MS },
      { fromMs: chaosFromMs, toMs: chaosToMs },
      { fromMs: afterFromMs, toMs: afterToMs },
    ],
    faults: { fromMs: chaosFromMs, toMs: chaosToMs - SETTLE_MS },
    measuredAtMs: [chaosFromMs, afterFromMs, endMs],
  }
}
