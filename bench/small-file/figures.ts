import { quantile } from '../../test/simulation/report/figures.ts'
import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'

/** What was measured. Times in milliseconds, at the client, from the request to the last byte; one for each blob. */
export interface SmallFileFigures {
  /** Through a dfdaemon that does not hold the blob, whose supernode does. */
  readonly swarm: readonly number[]
  /** Straight from the registry. */
  readonly direct: readonly number[]
  /** The first pull through the dfdaemon after its start, before those that count. */
  readonly firstMs: number
  /** Of a blob. */
  readonly sizeBytes: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** The figures for programs: median, 95th percentile and maximum both ways, and all times behind them. */
export function smallFileJson({ swarm, direct, firstMs, conditions, ...rest }: SmallFileFigures) {
  const [ofSwarm, ofDirect] = [timesOf(swarm), timesOf(direct)]
  return {
    ...ofSwarm,
    firstMs: rounded(firstMs, 2),
    directMedianMs: ofDirect.medianMs,
    directP95Ms: ofDirect.p95Ms,
    directMaxMs: ofDirect.maxMs,
    blobs: swarm.length,
    swarmMs: swarm.map(elapsedMs => rounded(elapsedMs, 2)),
    directMs: direct.map(elapsedMs => rounded(elapsedMs, 2)),
    ...rest,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

function timesOf(elapsedMs: readonly number[]) {
  const sorted = elapsedMs.toSorted((a, b) => a - b)
  return {
    medianMs: rounded(median(sorted), 2),
    p95Ms: rounded(quantile(sorted, 0.95), 2),
    maxMs: rounded(quantile(sorted, 1), 2),
  }
}
