import { expect, test } from 'vitest'
import { type Holding, LEAK_BOUNDS, leaksOf } from '../../chaos/invariants/leaks.ts'

const holding = (init: Partial<Holding> = {}): Holding => ({
  ...{ unit: 'node-1', life: 1, heapBytes: 50_000_000, residentBytes: 200_000_000, descriptors: 50 },
  ...init,
})

test('what stays within the bounds is no leak', () => {
  const end = holding({ heapBytes: 50_000_000 + LEAK_BOUNDS.heapBytes, descriptors: 50 + LEAK_BOUNDS.descriptors })
  expect(leaksOf([[holding()], [holding()], [end]])).toEqual([])
})

test.each(['heapBytes', 'residentBytes', 'descriptors'] as const)('too many %s are a leak', what => {
  const baseline = holding()[what]
  const atEnd = baseline + LEAK_BOUNDS[what] + 1
  expect(leaksOf([[holding()], [holding({ [what]: atEnd })]])).toEqual([{ unit: 'node-1', what, baseline, atEnd }])
})

test('a restarted program has a new baseline', () => {
  const reborn = holding({ life: 2, descriptors: 500 })
  expect(leaksOf([[holding()], [reborn], [reborn]])).toEqual([])
  expect(leaksOf([[holding()], [reborn], [holding({ life: 2, descriptors: 900 })]])).toHaveLength(1)
})
