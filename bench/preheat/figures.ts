import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { miBps } from '../measure/speed.ts'
import { boundOf } from '../swarm/bound.ts'
import type { PreheatPlan } from './config.ts'

/** Preheats to nodes that hold nothing of them, and pulls, in one swarm. Pulls in milliseconds. */
export interface InSwarm {
  /** The first one since the programs were started; as the next. */
  readonly firstPreheatMs: number
  /** From the request to the end of the job, by the supernode's clock. */
  readonly preheatMs: number
  /** Blob bytes that the registry sent during the preheat. */
  readonly originBytes: number
  /** Busy part of the machine's processor time during the preheat. */
  readonly cpuShare: number
  /** Of all nodes at once, of what was preheated second: from the first start to the last end. */
  readonly pullsMs: number
  /** Blob bytes that the registry sent during the pulls. */
  readonly pulledOriginBytes: number
  /** A pull of something else by one node while the swarm has nothing to do, and while it preheats. */
  readonly aloneMs: number
  readonly duringMs: number
}

/** Everything once. */
export interface Round {
  readonly swarm: InSwarm
  /** As many pulls of the same image at once from a docker-registry on the machine of its clients, in milliseconds. */
  readonly directMs: number
}

/** What was measured. */
export interface PreheatFigures extends PreheatPlan {
  readonly measured: readonly Round[]
  /** Bytes of config and layers of the image that is preheated, and of the one that is pulled meanwhile. */
  readonly imageBytes: number
  readonly pulledBytes: number
  /** What a plain TCP transfer got out of the links of two nodes, in bit/s of payload. */
  readonly linkBitsPerSecond: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** A machine that is busier than this sets the pace itself, not the links. */
const CPU_BOUND_SHARE = 0.95

/** The figures for programs: medians over the rounds, medians of the ratios in each round, and what they were made of. */
export function preheatJson({ measured, imageBytes, pulledBytes, ...figures }: PreheatFigures) {
  const { nodes, layers, rates, linkBitsPerSecond, commit, conditions } = figures
  const { boundMs, boundBy } = boundOf(imageBytes, rates)
  const rounds = measured.map(({ swarm, directMs }) => ({
    firstPreheatMs: rounded(swarm.firstPreheatMs, 1),
    preheatMs: rounded(swarm.preheatMs, 1),
    pullsMs: rounded(swarm.pullsMs, 1),
    directMs: rounded(directMs, 1),
    aloneMs: rounded(swarm.aloneMs, 1),
    duringMs: rounded(swarm.duringMs, 1),
    originBytes: swarm.originBytes,
    pulledOriginBytes: swarm.pulledOriginBytes,
    cpuShare: rounded(swarm.cpuShare, 3),
  }))
  type RoundFigures = (typeof rounds)[number]
  const medianOf = (figureOf: (round: RoundFigures) => number, digits: number) =>
    rounded(median(rounds.map(figureOf)), digits)
  const cpuShare = medianOf(round => round.cpuShare, 3)
  return {
    ratioPreheatToBound: medianOf(round => round.preheatMs / boundMs, 3),
    ratioFirstPreheatToBound: medianOf(round => round.firstPreheatMs / boundMs, 3),
    ratioOriginToImage: medianOf(round => round.originBytes / imageBytes, 4),
    ratioPullsToRegistry: medianOf(round => round.pullsMs / round.directMs, 3),
    ratioDuringToAlone: medianOf(round => round.aloneMs / round.duringMs, 3),
    preheatMs: medianOf(round => round.preheatMs, 1),
    boundMs: rounded(boundMs, 1),
    boundBy,
    pullsMs: medianOf(round => round.pullsMs, 1),
    directMs: medianOf(round => round.directMs, 1),
    aloneMiBps: medianOf(round => miBps(pulledBytes, round.aloneMs), 2),
    duringMiBps: medianOf(round => miBps(pulledBytes, round.duringMs), 2),
    // Of all rounds: one byte more than none is one too many.
    pulledOriginBytes: Math.max(...rounds.map(round => round.pulledOriginBytes)),
    cpuShare,
    cpuBound: cpuShare > CPU_BOUND_SHARE,
    rounds,
    nodes,
    layers,
    imageBytes,
    pulledBytes,
    bitsPerSecond: rates,
    linkMbps: rounded(linkBitsPerSecond / 1e6, 2),
    commit,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}
