import { expect, test } from 'vitest'
import { drawFanout, type FanoutFigures, fanoutJson } from '../../../bench/fanout/figures.ts'

const MIB = 1024 * 1024
const T0 = 1_750_000_000_000

const FIGURES: FanoutFigures = {
  // The second begins when the first is half way, and ends last.
  receptions: [
    { startedAt: T0, endedAt: T0 + 1_000, cpuSeconds: 0.5 },
    { startedAt: T0 + 500, endedAt: T0 + 2_500, cpuSeconds: 0.75 },
  ],
  sizeBytes: 256 * MIB,
  senderCpuSeconds: 1,
  senderPeakBytes: 200.25 * MIB,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are the speed of all, of the slowest and of the fastest, and what it cost', () => {
  expect(fanoutJson(FIGURES)).toEqual({
    peers: 2,
    totalMiBps: 204.8,
    slowestMiBps: 128,
    fastestMiBps: 256,
    fairness: 0.5,
    senderCpuSecPerGiB: 2,
    receiverCpuSecPerGiB: 2.5,
    rssPeakMiB: 200.3,
    sizeBytes: 256 * MIB,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
})

test('the table for people has the speeds, what they cost, and the conditions', () => {
  const lines = drawFanout(fanoutJson(FIGURES)).split('\n')
  expect(lines.slice(0, 7).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['all receivers', '204.8 MiB/s'],
    ['the slowest', '128.0 MiB/s'],
    ['the fastest', '256.0 MiB/s'],
    ['slowest/fastest', '0.500'],
    ['sender CPU', '2.000 s/GiB'],
    ['receiver CPU', '2.500 s/GiB'],
    ["the sender's peak memory", '200.3 MiB'],
  ])
  expect(lines.slice(7)).toEqual([
    '',
    '2 receivers of 256.0 MiB each from one sender at once, memory to memory over the loopback.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
