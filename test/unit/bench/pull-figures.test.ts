import { expect, test } from 'vitest'
import { drawPulls, type PullFigures, pullJson } from '../../../bench/pull/figures.ts'

const FIGURES: PullFigures = {
  direct: [5_700, 5_600, 6_000],
  cold: [6_000, 5_900, 9_000],
  warm: [570, 900, 500],
  warmFirstByte: [1.5, 2.25, 30, 1],
  imageBytes: 256 * 1024 * 1024,
  layers: 8,
  linkBitsPerSecond: 400e6,
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are medians and their ratios, with the runs and conditions behind them', () => {
  expect(pullJson(FIGURES)).toEqual({
    directMs: 5_700,
    coldMs: 6_000,
    warmMs: 570,
    coldRatio: 1.053,
    warmRatio: 0.1,
    warmFirstByteMs: 1.88,
    runs: [
      { directMs: 5_700, coldMs: 6_000, warmMs: 570 },
      { directMs: 5_600, coldMs: 5_900, warmMs: 900 },
      { directMs: 6_000, coldMs: 9_000, warmMs: 500 },
    ],
    imageBytes: 256 * 1024 * 1024,
    layers: 8,
    linkBitsPerSecond: 400e6,
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
})

test('the table for people has a line for each run, the medians, and the conditions', () => {
  const lines = drawPulls(FIGURES).split('\n')
  expect(lines.slice(0, 5).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['direct', 'cold', 'warm', 'cold/direct', 'warm/direct'],
    ['run 1', '5.70 s', '6.00 s', '0.57 s', '1.053', '0.100'],
    ['run 2', '5.60 s', '5.90 s', '0.90 s', '1.054', '0.161'],
    ['run 3', '6.00 s', '9.00 s', '0.50 s', '1.500', '0.083'],
    ['median', '5.70 s', '6.00 s', '0.57 s', '1.053', '0.100'],
  ])
  expect(lines.slice(6)).toEqual([
    "A stored blob's first byte: 1.88 ms (median).",
    "Image of 256.0 MiB in 8 layers; the registry's link: 400 Mbit/s; 3 runs.",
    '2 × Example, Node v24.0.0. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
