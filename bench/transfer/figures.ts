import type { Conditions } from '../conditions.ts'
import { median } from '../measure/median.ts'
import { rounded } from '../measure/rounded.ts'
import { miBps } from '../measure/speed.ts'
import { medianSpeed, roundedSpeed, speedOf, type Transfer } from '../transport/transfer-speed.ts'

/** Bytes that were written to a file. */
export interface DiskWrite {
  /** Until the kernel had all of them, in its memory or on the disk. */
  readonly elapsedMs: number
  /** From then until all were on the disk. */
  readonly syncMs: number
}

/** Content that a peer has fetched from another, verified and stored. */
export interface StoredTransfer extends Transfer, DiskWrite {
  /** The most resident memory that either of them has had. */
  readonly peakBytes: number
}

/** Everything once. */
export interface Round {
  /** By our block exchange alone, from memory to memory, not verified. */
  readonly transport: Transfer
  /** Both stores in memory. */
  readonly tmpfs: StoredTransfer
  /** The receiver's store on the disk. */
  readonly disk: StoredTransfer
  /** As many bytes written to the same disk by one process. */
  readonly diskLimit: DiskWrite
}

/** What was measured. */
export interface TransferFigures {
  readonly rounds: readonly Round[]
  /** Of the content. */
  readonly sizeBytes: number
  /** What is written at a time. */
  readonly blockSizeBytes: number
  /** What the transport moved each time, which is about as much. */
  readonly transportBytes: number
  /** The commit that was measured; null when nobody knows. */
  readonly commit: string | null
  readonly conditions: Conditions
}

const MIB = 1024 ** 2

/** The figures for programs: medians over the rounds, medians of the ratios in each round, and what they were made of. */
export function transferJson({ rounds, conditions, ...rest }: TransferFigures) {
  const figures = rounds.map(round => roundFigures(round, rest))
  const medianOf = (figureOf: (round: RoundFigures) => number, digits = 1) =>
    rounded(median(figures.map(figureOf)), digits)
  const tmpfs = medianSpeed(figures.map(round => round.tmpfs))
  const disk = medianSpeed(figures.map(round => round.disk))
  return {
    tmpfsMiBps: tmpfs.miBps,
    diskMiBps: disk.miBps,
    diskWriteLimitMiBps: medianOf(round => round.diskLimitMiBps),
    transportMiBps: medianOf(round => round.transport.miBps),
    ratioTmpfsToTransport: medianOf(round => round.tmpfs.miBps / round.transport.miBps, 3),
    ratioDiskToLimit: medianOf(round => round.disk.miBps / round.diskLimitMiBps, 3),
    rssPeakMiB: rounded(Math.max(...figures.map(round => round.rssPeakMiB)), 1),
    receiverCpuSecPerGiB: tmpfs.receiverCpuSecPerGiB,
    senderCpuSecPerGiB: tmpfs.senderCpuSecPerGiB,
    diskReceiverCpuSecPerGiB: disk.receiverCpuSecPerGiB,
    diskSenderCpuSecPerGiB: disk.senderCpuSecPerGiB,
    diskUnsyncedMiBps: medianOf(round => round.diskUnsyncedMiBps),
    diskWriteLimitUnsyncedMiBps: medianOf(round => round.diskLimitUnsyncedMiBps),
    rounds: figures.map(roundedFigures),
    ...rest,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

type RoundFigures = ReturnType<typeof roundFigures>

function roundFigures(
  { transport, tmpfs, disk, diskLimit }: Round,
  { sizeBytes, transportBytes }: Pick<TransferFigures, 'sizeBytes' | 'transportBytes'>,
) {
  return {
    transport: speedOf(transport, transportBytes),
    tmpfs: speedOf(synced(tmpfs), sizeBytes),
    disk: speedOf(synced(disk), sizeBytes),
    diskLimitMiBps: miBps(sizeBytes, synced(diskLimit).elapsedMs),
    diskUnsyncedMiBps: miBps(sizeBytes, disk.elapsedMs),
    diskLimitUnsyncedMiBps: miBps(sizeBytes, diskLimit.elapsedMs),
    rssPeakMiB: Math.max(tmpfs.peakBytes, disk.peakBytes) / MIB,
  }
}

function roundedFigures({ transport, tmpfs, disk, ...rest }: RoundFigures) {
  return {
    transport: roundedSpeed(transport),
    tmpfs: roundedSpeed(tmpfs),
    disk: roundedSpeed(disk),
    diskLimitMiBps: rounded(rest.diskLimitMiBps, 1),
    diskUnsyncedMiBps: rounded(rest.diskUnsyncedMiBps, 1),
    diskLimitUnsyncedMiBps: rounded(rest.diskLimitUnsyncedMiBps, 1),
    rssPeakMiB: rounded(rest.rssPeakMiB, 1),
  }
}

/** With the sync, so that what is still in the kernel's memory does not count as stored. */
function synced<Write extends DiskWrite>(write: Write): Write {
  return { ...write, elapsedMs: write.elapsedMs + write.syncMs }
}
