import { quantile } from '../../test/simulation/report/figures.ts'
import { PAYLOAD_SHARE } from '../../test/simulation/scenarios/scenario.ts'
import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { boundOf } from '../swarm/bound.ts'
import type { DfgetBenchConfig } from './config.ts'
import { EIGHT_RATE, type EightRound, type EightRun } from './measure-eight.ts'
import type { SingleRound } from './measure-single.ts'
import type { SmallFigures, SmallRun } from './measure-small.ts'
import type { Starts } from './measure-start.ts'

/** What was measured; a part that was not asked for is undefined. */
export interface DfgetFigures {
  readonly config: Pick<DfgetBenchConfig, 'size' | 'swarmSize' | 'files'>
  readonly single: readonly SingleRound[] | undefined
  readonly eight: readonly EightRound[] | undefined
  readonly start: Starts | undefined
  readonly small: SmallFigures | undefined
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** The figures for programs: medians over the rounds, medians of the ratios in each round. Parts that were left out are null. */
export function dfgetJson({ config, single, eight, start, small, commit, conditions }: DfgetFigures) {
  return {
    single: single === undefined ? null : { sizeBytes: config.size, ...singleJson(single) },
    eight: eight === undefined ? null : { sizeBytes: config.swarmSize, ...eightJson(eight, config.swarmSize) },
    start: start === undefined ? null : startJson(start),
    small: small === undefined ? null : { files: config.files, ...smallJson(small) },
    commit,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

function singleJson(rounds: readonly SingleRound[]) {
  const medianOf = (figureOf: (round: SingleRound) => number | undefined, digits: number) => {
    const values = rounds.map(figureOf).filter(value => value !== undefined)
    return values.length === 0 ? null : rounded(median(values), digits)
  }
  return {
    curlMs: medianOf(round => round.curl, 0),
    dfgetMs: medianOf(round => round.dfget, 0),
    aria2cMs: medianOf(round => round.aria2c, 0),
    ratioToCurl: medianOf(round => round.dfget / round.curl, 4),
    ratioToAria2c: medianOf(round => (round.aria2c === undefined ? undefined : round.dfget / round.aria2c), 4),
    rounds,
  }
}

/**
 * The bounds: on one host all readers share one link, over which one copy must come; on eight each link must carry one. Neither
 * knows of the start of the programs.
 */
function eightJson(rounds: readonly EightRound[], sizeBytes: number) {
  const rates = { node: EIGHT_RATE, supernode: EIGHT_RATE, registry: EIGHT_RATE }
  const { boundMs, boundBy } = boundOf(sizeBytes, rates)
  const of = (runs: readonly EightRun[]) => ({
    makespanMs: rounded(median(runs.map(run => run.makespanMs)), 0),
    ratioToBound: rounded(median(runs.map(run => run.makespanMs / boundMs)), 3),
    originRatio: rounded(median(runs.map(run => run.originBytes / sizeBytes)), 4),
  })
  return {
    boundMs: rounded(boundMs, 0),
    boundBy,
    payloadShare: rounded(PAYLOAD_SHARE, 4),
    oneHost: of(rounds.map(round => round.oneHost)),
    eightHosts: of(rounds.map(round => round.eightHosts)),
    rounds,
  }
}

function startJson({ alone, withDaemon }: Starts) {
  return { alone: timesOf(alone), withDaemon: withDaemon.length === 0 ? null : timesOf(withDaemon) }
}

function timesOf(elapsedMs: readonly number[]) {
  const sorted = elapsedMs.toSorted((a, b) => a - b)
  const all = elapsedMs.map(value => rounded(value, 1))
  return { medianMs: rounded(median(sorted), 1), p95Ms: rounded(quantile(sorted, 0.95), 1), all }
}

function smallJson({ rounds, told }: SmallFigures) {
  const of = (runs: readonly SmallRun[]) => ({
    elapsedMs: rounded(median(runs.map(run => run.elapsedMs)), 0),
    originRequests: median(runs.map(run => run.origin.requests)),
    originBytes: median(runs.map(run => run.origin.bytes)),
    originConnections: median(runs.map(run => run.origin.connections)),
  })
  return {
    wget: of(rounds.map(round => round.wget)),
    first: of(rounds.map(round => round.dfget.first)),
    second: of(rounds.map(round => round.dfget.second)),
    ratioFirstToWget: rounded(median(rounds.map(round => round.dfget.first.elapsedMs / round.wget.elapsedMs)), 3),
    ratioSecondToFirst: rounded(median(rounds.map(({ dfget }) => dfget.second.elapsedMs / dfget.first.elapsedMs)), 3),
    told,
    rounds: rounds.map(({ wget, dfget }) => ({
      wgetMs: rounded(wget.elapsedMs, 0),
      firstMs: rounded(dfget.first.elapsedMs, 0),
      secondMs: rounded(dfget.second.elapsedMs, 0),
    })),
  }
}
