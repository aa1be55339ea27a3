import { expect, test } from 'vitest'
import { drawLastHop } from '../../../bench/last-hop/draw.ts'
import { type LastHopFigures, lastHopJson, type Round } from '../../../bench/last-hop/figures.ts'

const MIB = 1024 * 1024

function round(coldMs: number, warmMs: number, restartMs: number, transportMs: number): Round {
  return {
    transport: { elapsedMs: transportMs, receiverCpuSeconds: 0.5, senderCpuSeconds: 0.25 },
    pulls: {
      cold: { elapsedMs: coldMs, cpuSeconds: 0.8 },
      warm: { elapsedMs: warmMs, cpuSeconds: 0.2 },
      warmAfterRestart: { elapsedMs: restartMs, cpuSeconds: 0.3 },
    },
  }
}

const FIGURES: LastHopFigures = {
  // The machine is twice as fast in the second round, so that the ratios of medians are not the medians of ratios.
  rounds: [round(1_000, 250, 400, 500), round(500, 125, 200, 300), round(800, 200, 320, 400)],
  sizeBytes: 512 * MIB,
  transportBytes: 256 * MIB,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are medians, and medians of the ratios in each round, with the rounds behind them', () => {
  const { rounds, ...figures } = lastHopJson(FIGURES)
  expect(figures).toEqual({
    coldMiBps: 640,
    warmMiBps: 2_560,
    warmAfterRestartMiBps: 1_600,
    transportMiBps: 640,
    ratioColdToTransport: 1,
    coldCpuSecPerGiB: 1.6,
    warmCpuSecPerGiB: 0.4,
    sizeBytes: 512 * MIB,
    transportBytes: 256 * MIB,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
  expect(rounds).toHaveLength(3)
  expect(rounds[1]).toEqual({
    coldMiBps: 1_024,
    warmMiBps: 4_096,
    warmAfterRestartMiBps: 2_560,
    transportMiBps: 853.3,
    coldCpuSecPerGiB: 1.6,
    warmCpuSecPerGiB: 0.4,
  })
})

test('the table for people has the speeds, the ratio, and the conditions', () => {
  const lines = drawLastHop(lastHopJson(FIGURES)).split('\n')
  expect(lines.slice(0, 5).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['MiB/s', 'dfdaemon CPU s/GiB'],
    ['cold', '640.0', '1.600'],
    ['warm', '2560.0', '0.400'],
    ['warm after a restart', '1600.0'],
    ['the transport alone', '640.0'],
  ])
  expect(lines.slice(5)).toEqual([
    '',
    'cold/transport 1.000',
    '',
    'A layer of 512.0 MiB over the loopback; medians of 3 rounds.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
