/**
 * The bounds of what depends on time. Programs that do not get the processor stand still without any fault: on a machine that has other
 * things to do the bounds are wide. All other invariants have no bounds: a wrong byte is one.
 */
export interface TimeBounds {
  /** No pull stands still for longer, but for the time in which nobody could reach the origin. */
  readonly stallMs: number
  /** The origin gives each byte once, and little more, but for what faults made it give again. */
  readonly originRatio: number
}

/** What we hold ourselves to. */
export const STRICT_BOUNDS: TimeBounds = { stallMs: 10_000, originRatio: 1.05 }

/** Where these do not hold something is wrong on any machine: runtimes give up after 30 s without an answer. */
export const WIDE_BOUNDS: TimeBounds = { stallMs: 30_000, originRatio: 1.5 }

/** Part of the processor time that other programs may take before the bounds are wide. */
export const QUIET_SHARE = 0.1

/** The bounds for a run. @param foreignCpuShare part of the processor time that other programs took meanwhile, 0 to 1 */
export function boundsFor(foreignCpuShare: number): TimeBounds {
  return foreignCpuShare <= QUIET_SHARE ? STRICT_BOUNDS : WIDE_BOUNDS
}
