import { expect, test } from 'vitest'
import { interleave } from '../../../bench/measure/interleave.ts'
import { median } from '../../../bench/measure/median.ts'

test.each([
  [[7], 7],
  [[3, 1, 2], 2],
  [[10, 9, 100, 2], 9.5],
  [[5, 5, 5, 5, 1000], 5],
])('the median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('there is no median of nothing', () => {
  expect(median([])).toBeNaN()
})

test('median leaves the values in their order', () => {
  const values = [3, 1, 2]
  median(values)
  expect(values).toEqual([3, 1, 2])
})

test('every run measures everything once, and every second run does it backwards', () => {
  expect(interleave(['a', 'b', 'c'], 3)).toEqual(['a', 'b', 'c', 'c', 'b', 'a', 'a', 'b', 'c'])
  expect(interleave(['a', 'b'], 0)).toEqual([])
})
