import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { cpuSecPerGiB, miBps } from '../measure/speed.ts'

/** Bytes that went from one process to another, from the first request to the last byte. */
export interface Transfer {
  readonly elapsedMs: number
  readonly receiverCpuSeconds: number
  readonly senderCpuSeconds: number
}

/** A transfer in figures. */
export interface TransferSpeed {
  readonly miBps: number
  readonly receiverCpuSecPerGiB: number
  readonly senderCpuSecPerGiB: number
}

/** How fast a transfer was, and what it cost at either end. */
export function speedOf(
  { elapsedMs, receiverCpuSeconds, senderCpuSeconds }: Transfer,
  sizeBytes: number,
): TransferSpeed {
  return {
    miBps: miBps(sizeBytes, elapsedMs),
    receiverCpuSecPerGiB: cpuSecPerGiB(receiverCpuSeconds, sizeBytes),
    senderCpuSecPerGiB: cpuSecPerGiB(senderCpuSeconds, sizeBytes),
  }
}

/** The median of each figure, rounded. */
export function medianSpeed(speeds: readonly TransferSpeed[]): TransferSpeed {
  return roundedSpeed({
    miBps: median(speeds.map(speed => speed.miBps)),
    receiverCpuSecPerGiB: median(speeds.map(speed => speed.receiverCpuSecPerGiB)),
    senderCpuSecPerGiB: median(speeds.map(speed => speed.senderCpuSecPerGiB)),
  })
}

/** The figures with as many digits as they are good for. */
export function roundedSpeed(speed: TransferSpeed): TransferSpeed {
  return {
    miBps: rounded(speed.miBps, 1),
    receiverCpuSecPerGiB: rounded(speed.receiverCpuSecPerGiB, 3),
    senderCpuSecPerGiB: rounded(speed.senderCpuSecPerGiB, 3),
  }
}
