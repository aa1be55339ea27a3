import { expect, test } from 'vitest'
import { drawSmallFiles } from '../../../bench/small-file/draw.ts'
import { type SmallFileFigures, smallFileJson } from '../../../bench/small-file/figures.ts'

const FIGURES: SmallFileFigures = {
  swarm: [12.346, 9, 10, 30.125],
  direct: [1, 1.5, 3.009, 2],
  firstMs: 120.256,
  sizeBytes: 1024,
  commit: '0123456789ab',
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are those of both ways, with all times behind them', () => {
  expect(smallFileJson(FIGURES)).toEqual({
    medianMs: 11.17,
    p95Ms: 30.13,
    maxMs: 30.13,
    firstMs: 120.26,
    directMedianMs: 1.75,
    directP95Ms: 3.01,
    directMaxMs: 3.01,
    blobs: 4,
    swarmMs: [12.35, 9, 10, 30.13],
    directMs: [1, 1.5, 3.01, 2],
    sizeBytes: 1024,
    commit: '0123456789ab',
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
})

test('the table for people has both ways and the conditions', () => {
  const lines = drawSmallFiles(smallFileJson(FIGURES)).split('\n')
  expect(lines.slice(0, 3).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['ms', 'median', '95 %', 'max'],
    ['through dfdaemon and supernode', '11.17', '30.13', '30.13'],
    ['straight from the registry', '1.75', '3.01', '3.01'],
  ])
  expect(lines.slice(3)).toEqual([
    '',
    'The first pull of all through the dfdaemon took 120.26 ms.',
    '4 blobs of 1.0 KiB over the loopback, one after the other.',
    '2 × Example, Node v24.0.0, commit 0123456789ab. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})
