import { expect, test } from 'vitest'
import { missed, TARGETS } from '../../../bench/scenarios/targets.ts'
import { SCENARIOS } from '../../simulation/scenarios/scenarios.ts'

test('a figure beyond its target, or not there at all, is missed', () => {
  const reached = { p50Ratio: 1.02, p999Ratio: 1.06, originRatio: 1 }
  expect(missed('kraken', reached)).toEqual([])
  expect(missed('kraken', { ...reached, p50Ratio: 1.03 })).toEqual(['p50Ratio 1.03 > 1.02'])
  expect(missed('kraken', { p50Ratio: 1, p999Ratio: 1 })).toEqual(['originRatio undefined > 1'])
})

test('every target is that of a scenario', () => {
  const names = SCENARIOS.map(({ name }) => name)
  expect(Object.keys(TARGETS).filter(name => !names.includes(name))).toEqual([])
})
