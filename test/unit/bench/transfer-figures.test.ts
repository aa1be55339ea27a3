import { expect, test } from 'vitest'
import { drawTransfers } from '../../../bench/transfer/draw.ts'
import { type StoredTransfer, type TransferFigures, transferJson } from '../../../bench/transfer/figures.ts'

const MIB = 1024 * 1024

function stored(elapsedMs: number, syncMs = 0, peakMiB = 100): StoredTransfer {
  return { elapsedMs, syncMs, receiverCpuSeconds: 0.75, senderCpuSeconds: 0.5, peakBytes: peakMiB * MIB }
}

function transport(elapsedMs: number) {
  return { elapsedMs, receiverCpuSeconds: 0.25, senderCpuSeconds: 0.125 }
}

const FIGURES: TransferFigures = {
  // The machine is twice as fast in the second round, so that the ratios of medians are not the medians of ratios.
  rounds: [
    {
      transport: transport(500),
      tmpfs: stored(1_000),
      disk: stored(1_000, 1_000),
      diskLimit: { elapsedMs: 200, syncMs: 1_400 },
    },
    {
      transport: transport(250),
      tmpfs: stored(400),
      disk: stored(500, 300, 120.26),
      diskLimit: { elapsedMs: 100, syncMs: 700 },
    },
    {
      transport: transport(400),
      tmpfs: stored(800),
      disk: stored(800, 800),
      diskLimit: { elapsedMs: 160, syncMs: 1_120 },
    },
  ],
  sizeBytes: 512 * MIB,
  blockSizeBytes: MIB,
  transportBytes: 512 * MIB,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are medians, and medians of the ratios in each round, with the rounds behind them', () => {
  const { rounds, ...figures } = transferJson(FIGURES)
  expect(figures).toEqual({
    tmpfsMiBps: 640,
    diskMiBps: 320,
    diskWriteLimitMiBps: 400,
    transportMiBps: 1_280,
    ratioTmpfsToTransport: 0.5,
    ratioDiskToLimit: 0.8,
    rssPeakMiB: 120.3,
    receiverCpuSecPerGiB: 1.5,
    senderCpuSecPerGiB: 1,
    diskReceiverCpuSecPerGiB: 1.5,
    diskSenderCpuSecPerGiB: 1,
    diskUnsyncedMiBps: 640,
    diskWriteLimitUnsyncedMiBps: 3_200,
    sizeBytes: 512 * MIB,
    blockSizeBytes: MIB,
    transportBytes: 512 * MIB,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
  expect(rounds).toHaveLength(3)
  expect(rounds[1]).toEqual({
    transport: { miBps: 2_048, receiverCpuSecPerGiB: 0.5, senderCpuSecPerGiB: 0.25 },
    tmpfs: { miBps: 1_280, receiverCpuSecPerGiB: 1.5, senderCpuSecPerGiB: 1 },
    disk: { miBps: 640, receiverCpuSecPerGiB: 1.5, senderCpuSecPerGiB: 1 },
    diskLimitMiBps: 640,
    diskUnsyncedMiBps: 1_024,
    diskLimitUnsyncedMiBps: 5_120,
    rssPeakMiB: 120.3,
  })
})

test('the table for people has the speeds, the ratios, and the conditions', () => {
  const lines = drawTransfers(transferJson(FIGURES)).split('\n')
  expect(lines.slice(0, 5).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['MiB/s', 'receiver CPU s/GiB', 'sender CPU s/GiB'],
    ['both stores in memory', '640.0', '1.500', '1.000'],
    ['the receiver on the disk', '320.0', '1.500', '1.000'],
    ['the transport alone', '1280.0'],
    ['the disk alone', '400.0'],
  ])
  expect(lines.slice(5)).toEqual([
    '',
    'memory/transport 0.500, disk/disk alone 0.800',
    'Before the sync the receiver had stored 640.0 MiB/s, the disk alone 3200.0.',
    'Peak memory of a peer: 120.3 MiB.',
    '',
    '512.0 MiB in blocks of 1.0 MiB over the loopback; medians of 3 rounds.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
