import { expect, test } from 'vitest'
import { drawTransports } from '../../../bench/transport/draw.ts'
import { type TransportFigures, transportJson } from '../../../bench/transport/figures.ts'
import type { Transfer } from '../../../bench/transport/transfer-speed.ts'

const MIB = 1024 * 1024

function transfer(elapsedMs: number, receiverCpuSeconds = 0.5, senderCpuSeconds = 0.25): Transfer {
  return { elapsedMs, receiverCpuSeconds, senderCpuSeconds }
}

const FIGURES: TransportFigures = {
  // The machine is twice as fast in the second round, so that the ratios of medians are not the medians of ratios.
  rounds: [
    { ours: transfer(1_000, 0.75, 0.6), stock: transfer(2_000), https: transfer(800), tcp: transfer(250) },
    { ours: transfer(500, 0.5, 0.5), stock: transfer(1_250), https: transfer(400), tcp: transfer(125) },
    { ours: transfer(2_000, 0.7, 0.51), stock: transfer(2_000), https: transfer(1_000), tcp: transfer(500) },
  ],
  sizeBytes: 512 * MIB,
  warmUpBytes: 128 * MIB,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are medians, and medians of the ratios in each round, with the rounds behind them', () => {
  expect(transportJson(FIGURES)).toEqual({
    oursMiBps: 512,
    stockMiBps: 256,
    httpsMiBps: 640,
    tcpMiBps: 2_048,
    ratioToStock: 2,
    ratioToHttps: 0.8,
    receiverCpuSecPerGiB: 1.4,
    senderCpuSecPerGiB: 1.02,
    medians: {
      ours: { miBps: 512, receiverCpuSecPerGiB: 1.4, senderCpuSecPerGiB: 1.02 },
      stock: { miBps: 256, receiverCpuSecPerGiB: 1, senderCpuSecPerGiB: 0.5 },
      https: { miBps: 640, receiverCpuSecPerGiB: 1, senderCpuSecPerGiB: 0.5 },
      tcp: { miBps: 2_048, receiverCpuSecPerGiB: 1, senderCpuSecPerGiB: 0.5 },
    },
    rounds: [
      expect.objectContaining({ ours: { miBps: 512, receiverCpuSecPerGiB: 1.5, senderCpuSecPerGiB: 1.2 } }),
      expect.objectContaining({ stock: { miBps: 409.6, receiverCpuSecPerGiB: 1, senderCpuSecPerGiB: 0.5 } }),
      expect.objectContaining({ tcp: { miBps: 1_024, receiverCpuSecPerGiB: 1, senderCpuSecPerGiB: 0.5 } }),
    ],
    sizeBytes: 512 * MIB,
    warmUpBytes: 128 * MIB,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
})

test('the table for people has a line for each transport, the ratios, and the conditions', () => {
  const lines = drawTransports(transportJson(FIGURES)).split('\n')
  expect(lines.slice(0, 5).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['MiB/s', 'receiver CPU s/GiB', 'sender CPU s/GiB'],
    ['ours', '512.0', '1.400', '1.020'],
    ['stock', '256.0', '1.000', '0.500'],
    ['https', '640.0', '1.000', '0.500'],
    ['tcp', '2048.0', '1.000', '0.500'],
  ])
  expect(lines.slice(5)).toEqual([
    '',
    'ours/stock 2.000, ours/https 0.800',
    '',
    '512.0 MiB after 128.0 MiB to warm up, memory to memory over the loopback; medians of 3 rounds.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})

test('a commit that nobody knows is null, or unknown', () => {
  const json = transportJson({ ...FIGURES, commit: null })
  expect(json.commit).toBe(null)
  expect(drawTransports(json)).toContain('commit unknown')
})
