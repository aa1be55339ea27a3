import { expect, test } from 'vitest'
import { drawPreheat } from '../../../bench/preheat/draw.ts'
import { type PreheatFigures, preheatJson, type Round } from '../../../bench/preheat/figures.ts'
import { PAYLOAD_SHARE } from '../../simulation/scenarios/scenario.ts'

const MIB = 1024 * 1024
const RATE = 100e6
/** Of an image of 100 MiB. */
const BOUND_MS = (100 * MIB * 8 * 1000) / (RATE * PAYLOAD_SHARE)

function round(preheatShare: number, times: readonly [number, number, number, number], originMib: number): Round {
  const [pullsMs, directMs, aloneMs, duringMs] = times
  const preheatMs = BOUND_MS * preheatShare
  const preheated = { firstPreheatMs: 2 * preheatMs, preheatMs, originBytes: originMib * MIB, cpuShare: 0.5 }
  return { swarm: { ...preheated, pullsMs, pulledOriginBytes: 0, aloneMs, duringMs }, directMs }
}

const FIGURES: PreheatFigures = {
  nodes: 10,
  size: 100 * MIB,
  layers: 12,
  pullSize: 10 * MIB,
  rounds: 3,
  rates: { node: RATE, supernode: RATE, registry: RATE },
  // The machine is twice as fast in the second round, so that the ratios of medians are not the medians of ratios.
  measured: [
    round(1.1, [4_000, 4_000, 1_000, 1_050], 100),
    round(1.05, [1_000, 2_000, 500, 625], 100),
    round(1.2, [3_000, 2_500, 800, 1_000], 101),
  ],
  imageBytes: 100 * MIB,
  pulledBytes: 10 * MIB,
  linkBitsPerSecond: 95.6e6,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are medians, and medians of the ratios in each round, with the rounds behind them', () => {
  const { rounds, ...figures } = preheatJson(FIGURES)
  expect(figures).toEqual({
    ratioPreheatToBound: 1.1,
    ratioFirstPreheatToBound: 2.2,
    ratioOriginToImage: 1,
    ratioPullsToRegistry: 1,
    ratioDuringToAlone: 0.8,
    preheatMs: Number((BOUND_MS * 1.1).toFixed(1)),
    boundMs: Number(BOUND_MS.toFixed(1)),
    boundBy: 'slowest-link',
    pullsMs: 3_000,
    directMs: 2_500,
    aloneMiBps: 12.5,
    duringMiBps: 10,
    pulledOriginBytes: 0,
    cpuShare: 0.5,
    cpuBound: false,
    nodes: 10,
    layers: 12,
    imageBytes: 100 * MIB,
    pulledBytes: 10 * MIB,
    bitsPerSecond: FIGURES.rates,
    linkMbps: 95.6,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
  expect(rounds).toHaveLength(3)
  expect(rounds[2]).toEqual({
    firstPreheatMs: Number((BOUND_MS * 2.4).toFixed(1)),
    preheatMs: Number((BOUND_MS * 1.2).toFixed(1)),
    pullsMs: 3_000,
    directMs: 2_500,
    aloneMs: 800,
    duringMs: 1_000,
    originBytes: 101 * MIB,
    pulledOriginBytes: 0,
    cpuShare: 0.5,
  })
})

test('one round in which pulls took something from the registry shows, and so does a machine that set the pace', () => {
  const [first, ...others] = FIGURES.measured
  if (first === undefined) throw new Error('there are rounds')
  const busy = (measured: Round): Round => ({ ...measured, swarm: { ...measured.swarm, cpuShare: 0.97 } })
  const wrong = { ...first, swarm: { ...first.swarm, pulledOriginBytes: 7 } }
  const json = preheatJson({ ...FIGURES, measured: [wrong, ...others].map(busy) })
  expect(json).toMatchObject({ pulledOriginBytes: 7, cpuShare: 0.97, cpuBound: true })
})

test('the text for people has the rounds, what they come to, and the conditions', () => {
  const lines = drawPreheat(preheatJson(FIGURES)).split('\n')
  expect(lines.slice(0, 3).map(line => line.trim().split(/ {2,}/))).toEqual([
    [
      'round',
      'first preheat',
      'second preheat',
      'pulls after it',
      'from the registry',
      'a pull alone',
      'during a preheat',
    ],
    ['1', '19.3 s', '9.65 s', '4.00 s', '4.00 s', '1.00 s', '1.05 s'],
    ['2', '18.4 s', '9.21 s', '1.00 s', '2.00 s', '0.50 s', '0.63 s'],
  ])
  expect(lines.slice(4)).toEqual([
    '',
    'The bound is 8.77 s (slowest-link); a preheat took 1.1 × that, the first one after the programs were started 2.2 ×.',
    'The registry gave 1 copies, and 0 B to the pulls after it.',
    '10 pulls at once after a preheat took 1 × the time of 10 from a docker-registry on one machine.',
    'A pull during a preheat of something else had 0.8 × the speed that it has alone: 10 of 12.5 MiB/s.',
    '',
    'Preheated to 10 nodes: 100.0 MiB in 12 layers; pulled meanwhile: 10.0 MiB; medians of 3 rounds.',
    'Links: 100 Mbit/s each; TCP got 95.6 Mbit/s of payload. The machine was 50 % busy during the preheat.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
