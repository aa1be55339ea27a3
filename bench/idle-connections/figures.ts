import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'

/** What an honest client and the dfdaemon made of one round, one way. */
export interface Pulls {
  /** A blob that comes from the registry, and the same once more from the dfdaemon's store. */
  readonly coldMiBps: number
  readonly warmMiBps: number
  /** Memory of the dfdaemon afterwards. */
  readonly rssMiB: number
}

/** One round: alone, and beside ill-willed clients. */
export interface IdleRound {
  readonly alone: Pulls
  readonly burdened: Pulls
}

/** What was measured. */
export interface IdleConnectionsFigures {
  readonly rounds: readonly IdleRound[]
  readonly idle: number
  readonly slow: number
  readonly sizeBytes: number
  /** Fewest connections that were open beside the pulls. */
  readonly leastOpen: number
  /** Connections that the dfdaemon ended. */
  readonly ended: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

const WAYS = ['cold', 'warm'] as const

/** The figures for programs: medians of the rounds, and of the ratios within each. */
export function idleConnectionsJson({ rounds, conditions, ...rest }: IdleConnectionsFigures) {
  const ratio = (way: (typeof WAYS)[number]) =>
    rounded(median(rounds.map(({ alone, burdened }) => burdened[`${way}MiBps`] / alone[`${way}MiBps`])), 3)
  const of = (side: keyof IdleRound, what: keyof Pulls) => rounded(median(rounds.map(round => round[side][what])), 1)
  return {
    ratioCold: ratio('cold'),
    ratioWarm: ratio('warm'),
    aloneColdMiBps: of('alone', 'coldMiBps'),
    burdenedColdMiBps: of('burdened', 'coldMiBps'),
    aloneWarmMiBps: of('alone', 'warmMiBps'),
    burdenedWarmMiBps: of('burdened', 'warmMiBps'),
    aloneRssMiB: of('alone', 'rssMiB'),
    burdenedRssMiB: of('burdened', 'rssMiB'),
    maxRssMiB: rounded(Math.max(...rounds.flatMap(({ alone, burdened }) => [alone.rssMiB, burdened.rssMiB])), 1),
    ...rest,
    rounds: rounds.map(({ alone, burdened }) => ({ alone: roundedPulls(alone), burdened: roundedPulls(burdened) })),
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

function roundedPulls({ coldMiBps, warmMiBps, rssMiB }: Pulls): Pulls {
  return { coldMiBps: rounded(coldMiBps, 1), warmMiBps: rounded(warmMiBps, 1), rssMiB: rounded(rssMiB, 1) }
}
