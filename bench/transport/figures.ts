import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { medianSpeed, roundedSpeed, speedOf, type Transfer } from './transfer-speed.ts'
import { TRANSPORT_NAMES, type TransportName } from './transport-names.ts'

/** Each transport once. */
export type Round = Readonly<Record<TransportName, Transfer>>

/** What was measured. */
export interface TransportFigures {
  readonly rounds: readonly Round[]
  /** Of each transfer. */
  readonly sizeBytes: number
  /** Moved before each transfer, not counted. */
  readonly warmUpBytes: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

/** The figures for programs: medians over the rounds, medians of the ratios in each round, and what they were made of. */
export function transportJson({ rounds, conditions, ...rest }: TransportFigures) {
  const speeds = rounds.map(round => eachTransport(name => speedOf(round[name], rest.sizeBytes)))
  const medians = eachTransport(name => medianSpeed(speeds.map(speed => speed[name])))
  const ratio = (to: TransportName) => rounded(median(speeds.map(speed => speed.ours.miBps / speed[to].miBps)), 3)
  return {
    oursMiBps: medians.ours.miBps,
    stockMiBps: medians.stock.miBps,
    httpsMiBps: medians.https.miBps,
    tcpMiBps: medians.tcp.miBps,
    ratioToStock: ratio('stock'),
    ratioToHttps: ratio('https'),
    receiverCpuSecPerGiB: medians.ours.receiverCpuSecPerGiB,
    senderCpuSecPerGiB: medians.ours.senderCpuSecPerGiB,
    medians,
    rounds: speeds.map(speed => eachTransport(name => roundedSpeed(speed[name]))),
    ...rest,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

function eachTransport<Value>(entryOf: (name: TransportName) => Value): Record<TransportName, Value> {
  return Object.fromEntries(TRANSPORT_NAMES.map(name => [name, entryOf(name)])) as Record<TransportName, Value>
}
