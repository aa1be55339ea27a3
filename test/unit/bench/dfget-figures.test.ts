import { expect, test } from 'vitest'
import { drawDfget } from '../../../bench/dfget/draw.ts'
import { type DfgetFigures, dfgetJson } from '../../../bench/dfget/figures.ts'

const MIB = 1024 * 1024
const run = (elapsedMs: number, bytes: number) => ({
  elapsedMs,
  origin: { requests: bytes, bytes, connections: 1, firstRequestAt: null },
})
const FIGURES: DfgetFigures = {
  config: { size: MIB, swarmSize: MIB, files: 10 },
  single: [
    { curl: 100, dfget: 110, aria2c: 50 },
    { curl: 200, dfget: 210 },
  ],
  eight: [
    { oneHost: { makespanMs: 1000, originBytes: MIB }, eightHosts: { makespanMs: 2000, originBytes: 1.5 * MIB } },
  ],
  start: { alone: [3, 1, 2], withDaemon: [] },
  small: {
    rounds: [
      { wget: run(10, 5), dfget: { first: run(20, 5), second: run(10, 0) } },
      { wget: run(10, 5), dfget: { first: run(40, 5), second: run(30, 0) } },
    ],
    told: 'list',
  },
  commit: 'abc',
  conditions: { node: 'v24', cpus: 2, cpuModel: 'some', loadBefore: 0, foreignCpuShare: 0.12345 },
}

test('figures are medians, ratios medians of those of each round', () => {
  const json = dfgetJson(FIGURES)
  expect(json).toMatchObject({
    single: { curlMs: 150, dfgetMs: 160, aria2cMs: 50, ratioToCurl: 1.075, ratioToAria2c: 2.2 },
    eight: { boundBy: 'slowest-link', oneHost: { originRatio: 1 }, eightHosts: { originRatio: 1.5 } },
    start: { alone: { medianMs: 2, p95Ms: 3, all: [3, 1, 2] }, withDaemon: null },
    small: { wget: { elapsedMs: 10 }, ratioFirstToWget: 3, ratioSecondToFirst: 0.625, second: { originBytes: 0 } },
    conditions: { foreignCpuShare: 0.123 },
  })
  expect(json.eight?.eightHosts.ratioToBound).toBeCloseTo(2000 / (json.eight?.boundMs ?? 0), 0)
})

test('what was not measured is null, and is not drawn', () => {
  const nothing = { single: undefined, eight: undefined, start: undefined, small: undefined }
  const json = dfgetJson({ ...FIGURES, ...nothing, start: { alone: [1], withDaemon: [2] } })
  expect(json).toMatchObject({ single: null, eight: null, small: null, start: { withDaemon: { medianMs: 2 } } })
  const text = drawDfget(json)
  expect(text).toContain('with a dfdaemon')
  expect(text).not.toContain('curl')
})

test('every part is drawn', () => {
  const text = drawDfget(dfgetJson(FIGURES))
  for (const part of ['dfget ÷ curl', 'on eight hosts', 'alone', 'dfget, second node', 'commit abc'])
    expect(text).toContain(part)
})
