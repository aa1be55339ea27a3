import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { cpuSecPerGiB, miBps } from '../measure/speed.ts'
import type { Transfer } from '../transport/transfer-speed.ts'

/** A pull of the layer through a dfdaemon. */
export interface LayerPull {
  /** At the client, from the request to the last byte. */
  readonly elapsedMs: number
  /** Processor time of the dfdaemon meanwhile. */
  readonly cpuSeconds: number
}

/** Pulls through a dfdaemon, one after the other. */
export interface LayerPulls {
  /** The dfdaemon holds nothing; another node holds the layer. */
  readonly cold: LayerPull
  /** The dfdaemon holds the layer. */
  readonly warm: LayerPull
  /** It holds the layer and has just been started. */
  readonly warmAfterRestart: LayerPull
}

/** Everything once. */
export interface Round {
  /** By our block exchange alone, from memory to memory, not verified. */
  readonly transport: Transfer
  readonly pulls: LayerPulls
}

/** What was measured. */
export interface LastHopFigures {
  readonly rounds: readonly Round[]
  /** Of the layer. */
  readonly sizeBytes: number
  /** What the transport moved each time, which is about as much. */
  readonly transportBytes: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** The figures for programs: medians over the rounds, medians of the ratios in each round, and what they were made of. */
export function lastHopJson({ rounds, conditions, ...rest }: LastHopFigures) {
  const { sizeBytes, transportBytes } = rest
  const figures = rounds.map(({ transport, pulls: { cold, warm, warmAfterRestart } }) => ({
    coldMiBps: miBps(sizeBytes, cold.elapsedMs),
    warmMiBps: miBps(sizeBytes, warm.elapsedMs),
    warmAfterRestartMiBps: miBps(sizeBytes, warmAfterRestart.elapsedMs),
    transportMiBps: miBps(transportBytes, transport.elapsedMs),
    coldCpuSecPerGiB: cpuSecPerGiB(cold.cpuSeconds, sizeBytes),
    warmCpuSecPerGiB: cpuSecPerGiB(warm.cpuSeconds, sizeBytes),
  }))
  type RoundFigures = (typeof figures)[number]
  const medianOf = (figureOf: (round: RoundFigures) => number, digits: number) =>
    rounded(median(figures.map(figureOf)), digits)
  return {
    coldMiBps: medianOf(round => round.coldMiBps, 1),
    warmMiBps: medianOf(round => round.warmMiBps, 1),
    warmAfterRestartMiBps: medianOf(round => round.warmAfterRestartMiBps, 1),
    transportMiBps: medianOf(round => round.transportMiBps, 1),
    ratioColdToTransport: medianOf(round => round.coldMiBps / round.transportMiBps, 3),
    coldCpuSecPerGiB: medianOf(round => round.coldCpuSecPerGiB, 3),
    warmCpuSecPerGiB: medianOf(round => round.warmCpuSecPerGiB, 3),
    rounds: figures.map(round => ({
      coldMiBps: rounded(round.coldMiBps, 1),
      warmMiBps: rounded(round.warmMiBps, 1),
      warmAfterRestartMiBps: rounded(round.warmAfterRestartMiBps, 1),
      transportMiBps: rounded(round.transportMiBps, 1),
      coldCpuSecPerGiB: rounded(round.coldCpuSecPerGiB, 3),
      warmCpuSecPerGiB: rounded(round.warmCpuSecPerGiB, 3),
    })),
    ...rest,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}
