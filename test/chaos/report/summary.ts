import type { Conditions } from '../../../bench/conditions.ts'
import type { TimeBounds } from '../invariants/bounds.ts'
import { judgePulls, type PullJudgement } from '../invariants/judge-pulls.ts'
import { type Leak, leaksOf } from '../invariants/leaks.ts'
import { accountForOrigin, type OriginAccount } from '../invariants/origin-bytes.ts'
import type { FaultKind } from '../plan/fault.ts'
import type { ChaosRecord } from '../run-chaos.ts'

/** An invariant that did not hold, and when, in milliseconds since the load began; at the end where no moment can be named. */
export interface BrokenInvariant {
  readonly what: string
  readonly atMs?: number
}

/** What a run came to. */
export interface ChaosSummary {
  readonly bounds: TimeBounds
  readonly pulls: PullJudgement
  readonly origin: OriginAccount
  readonly leaks: readonly Leak[]
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly broken: readonly BrokenInvariant[]
}

/** Holds a run against its invariants. */
export function summarize(record: ChaosRecord, bounds: TimeBounds): ChaosSummary {
  const pulls = judgePulls(record.pulls, record.faults, bounds)
  const origin = accountForOrigin(record.reads, record.faults)
  const leaks = leaksOf(record.holdings)
  const faults: Partial<Record<FaultKind, number>> = {}
  for (const { kind } of record.faults) faults[kind] = (faults[kind] ?? 0) + 1
  return { bounds, pulls, origin, leaks, faults, broken: brokenIn(record, { bounds, pulls, origin, leaks }) }
}

function brokenIn(
  { unfinished, crashes, intrusions }: ChaosRecord,
  { bounds, pulls, origin, leaks }: Pick<ChaosSummary, 'bounds' | 'pulls' | 'origin' | 'leaks'>,
): BrokenInvariant[] {
  const broken: BrokenInvariant[] = pulls.problems.map(({ atMs, what }) => ({ atMs, what }))
  if (unfinished > 0) broken.push({ what: `${unfinished} pulls never ended` })
  if (pulls.pulls === 0) broken.push({ what: 'nothing was pulled' })
  if (origin.ratio > bounds.originRatio) {
    const [worst] = [...origin.unexplained].sort((a, b) => b.againBytes - a.againBytes)
    broken.push({
      what: `the origin gave ${origin.ratio.toFixed(3)} × the unique bytes, more than ${bounds.originRatio}; the most again at once to ${worst?.reader}: ${worst?.againBytes} bytes of ${worst?.digest}`,
      ...(worst === undefined ? {} : { atMs: worst.atMs }),
    })
  }
  for (const { unit, what, baseline, atEnd } of leaks) broken.push({ what: `${unit}: ${what} ${baseline} → ${atEnd}` })
  for (const { unit, life, how } of crashes) broken.push({ what: `${unit} (life ${life}) ended by itself: ${how}` })
  for (const { at, what } of intrusions) broken.push({ what: `a stranger got ${what}`, atMs: at })
  return broken
}

/** The line of JSON that a run ends with. */
export function chaosJson(
  { plan, holdings }: ChaosRecord,
  { bounds, pulls, origin, leaks, faults, broken }: ChaosSummary,
  conditions: Conditions,
) {
  const round = (value: number, digits: number) => Number(value.toFixed(digits))
  return {
    seed: plan.seed,
    pulls: pulls.pulls,
    failed: pulls.failed,
    wrongBytes: pulls.wrongBytes,
    longestStallMs: Math.round(pulls.longestStallMs),
    originRatio: round(origin.ratio, 4),
    faults,
    leaks,
    minutes: plan.minutes,
    nodes: plan.nodes.length,
    excused: pulls.excused,
    brokenOff: pulls.brokenOff,
    fellBack: pulls.fellBack,
    originBytes: origin.originBytes,
    uniqueBytes: origin.uniqueBytes,
    lostBytes: origin.lostBytes,
    lostBy: origin.lostBy,
    unexplainedBytes: origin.unexplained.reduce((sum, { againBytes }) => sum + againBytes, 0),
    bounds,
    holdings: holdings.at(-1),
    broken: broken.map(({ what }) => what),
    conditions,
  }
}
