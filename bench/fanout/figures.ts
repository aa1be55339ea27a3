import { formatBytes } from '../../lib/terminal/format.ts'
import { tableLines } from '../../lib/terminal/table.ts'
import type { Conditions } from '../conditions.ts'
import { machineLine } from '../measure/machine-line.ts'
import { rounded } from '../measure/rounded.ts'
import { cpuSecPerGiB, miBps } from '../measure/speed.ts'
import type { Reception } from '../transport/reception.ts'

/** What was measured. */
export interface FanoutFigures {
  /** Of each receiver. */
  readonly receptions: readonly Reception[]
  /** What each of them received. */
  readonly sizeBytes: number
  /** Processor time of the sender, for all of them. */
  readonly senderCpuSeconds: number
  /** The most resident memory that the sender has had, its blocks among it. */
  readonly senderPeakBytes: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

const MIB = 1024 ** 2

/** The figures for programs. Each receiver's speed is that of its own time; the total is over the time of all. */
export function fanoutJson({ receptions, sizeBytes, conditions, ...rest }: FanoutFigures) {
  const { senderCpuSeconds, senderPeakBytes, commit } = rest
  const peers = receptions.length
  const startedAt = Math.min(...receptions.map(reception => reception.startedAt))
  const endedAt = Math.max(...receptions.map(reception => reception.endedAt))
  const speeds = receptions.map(reception => miBps(sizeBytes, reception.endedAt - reception.startedAt))
  const slowest = Math.min(...speeds)
  const fastest = Math.max(...speeds)
  const receiverCpuSeconds = receptions.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0)
  return {
    peers,
    totalMiBps: rounded(miBps(peers * sizeBytes, endedAt - startedAt), 1),
    slowestMiBps: rounded(slowest, 1),
    fastestMiBps: rounded(fastest, 1),
    fairness: rounded(slowest / fastest, 3),
    senderCpuSecPerGiB: rounded(cpuSecPerGiB(senderCpuSeconds, peers * sizeBytes), 3),
    receiverCpuSecPerGiB: rounded(cpuSecPerGiB(receiverCpuSeconds, peers * sizeBytes), 3),
    rssPeakMiB: rounded(senderPeakBytes / MIB, 1),
    sizeBytes,
    commit,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

/** The figures for people: speeds, what they cost, and the conditions. */
export function drawFanout(json: ReturnType<typeof fanoutJson>): string {
  const { peers, sizeBytes, totalMiBps, slowestMiBps, fastestMiBps, fairness } = json
  return `${[
    ...tableLines([
      ['all receivers', `${totalMiBps.toFixed(1)} MiB/s`],
      ['the slowest', `${slowestMiBps.toFixed(1)} MiB/s`],
      ['the fastest', `${fastestMiBps.toFixed(1)} MiB/s`],
      ['slowest/fastest', fairness.toFixed(3)],
      ['sender CPU', `${json.senderCpuSecPerGiB.toFixed(3)} s/GiB`],
      ['receiver CPU', `${json.receiverCpuSecPerGiB.toFixed(3)} s/GiB`],
      ["the sender's peak memory", `${json.rssPeakMiB.toFixed(1)} MiB`],
    ]),
    '',
    `${peers} receivers of ${formatBytes(sizeBytes)} each from one sender at once, memory to memory over the loopback.`,
    machineLine(json),
  ].join('\n')}\n`
}
