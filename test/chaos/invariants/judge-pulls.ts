import type { FinishedPull } from '../load/run-load.ts'
import { type HappenedFault, isOutage } from '../plan/fault.ts'
import type { Span } from '../plan/phases.ts'
import type { TimeBounds } from './bounds.ts'
import { faultsOf, lasted, STANDSTILLS } from './windows.ts'

/** A connection that a kill has cut is noticed a little later. */
const NOTICED_MS = 2_000

/** What is wrong with a pull. */
export interface PullProblem {
  readonly kind: 'failed' | 'wrong-bytes' | 'stalled'
  readonly atMs: number
  readonly what: string
}

/** What the pulls of a run came to. */
export interface PullJudgement {
  readonly pulls: number
  readonly failed: number
  readonly wrongBytes: number
  /** Without the time in which the origin was out of reach. */
  readonly longestStallMs: number
  /** Pulls that failed while the origin was out of reach. */
  readonly excused: number
  /** Pulls that a runtime broke off since its own dfdaemon died, and that the next attempt ended. */
  readonly brokenOff: number
  /** Pulls of which the registry served a part directly, since the dfdaemon did not. */
  readonly fellBack: number
  readonly problems: readonly PullProblem[]
}

/**
 * Judges pulls. A pull has failed when an image is not whole and right at its end, unless the origin was out of reach meanwhile; or when
 * an answer was cut in a way that ends a runtime's pull, unless the node's own dfdaemon was killed or frozen then: nobody can finish the
 * answer of a process that is dead, so that what counts is the next attempt.
 */
export function judgePulls(
  pulls: readonly FinishedPull[],
  faults: readonly HappenedFault[],
  { stallMs: maxStallMs }: Pick<TimeBounds, 'stallMs'>,
): PullJudgement {
  const outages = faults.filter(isOutage)
  const problems: PullProblem[] = []
  let [failed, wrongBytes, longestStallMs, excused, brokenOff, fellBack] = [0, 0, 0, 0, 0, 0]
  for (const pull of pulls) {
    const { planned, report } = pull
    const span = { fromMs: report.startedAt, toMs: report.endedAt }
    const name = `pull ${planned.id} of image ${planned.image} at ${planned.node}`
    const add = (kind: PullProblem['kind'], atMs: number, what: string) =>
      void problems.push({ kind, atMs, what: `${name} ${what}` })
    if (report.wrongBytes > 0) add('wrong-bytes', report.endedAt, `got wrong bytes: ${report.error}`)
    wrongBytes += report.wrongBytes
    if (report.fallbacks.length > 0) fellBack++
    if (report.breaks.length > 0) brokenOff++

    const strange = strangeBreak(pull, faults)
    const isExcused = outages.some(outage => lasted(outage, span, NOTICED_MS))
    if (report.error !== undefined && isExcused) excused++
    else if (report.error !== undefined || strange !== undefined) {
      failed++
      add('failed', report.endedAt, `failed: ${report.error ?? strange}`)
    }
    const stallMs = withoutOutages(
      { fromMs: report.stalledAt, toMs: report.stalledAt + report.longestStallMs },
      outages,
    )
    longestStallMs = Math.max(longestStallMs, stallMs)
    if (stallMs > maxStallMs) add('stalled', report.stalledAt, `did not move for ${Math.round(stallMs)} ms`)
  }
  return { pulls: pulls.length, failed, wrongBytes, longestStallMs, excused, brokenOff, fellBack, problems }
}

/** An answer cut with a reset for which there is no reason. */
function strangeBreak({ planned, report }: FinishedPull, faults: readonly HappenedFault[]): string | undefined {
  // A node that comes back after it was put out is started anew.
  const revocations = faultsOf(faults, ['node-revoke'], planned.node)
  const own = [
    ...faultsOf(faults, STANDSTILLS, planned.node),
    ...revocations.map(fault => ({ ...fault, beganAtMs: fault.healingAtMs })),
    ...faults.filter(isOutage),
  ]
  const strange = report.breaks.find(
    ({ at }) => !own.some(fault => lasted(fault, { fromMs: at, toMs: at }, NOTICED_MS)),
  )
  return strange === undefined ? undefined : `an answer was cut: ${strange.what}`
}

function withoutOutages({ fromMs, toMs }: Span, outages: readonly HappenedFault[]): number {
  const covered = outages.map(({ beganAtMs, healedAtMs }) => Math.min(toMs, healedAtMs) - Math.max(fromMs, beganAtMs))
  return covered.reduce((rest, ms) => rest - Math.max(0, ms), toMs - fromMs)
}
