import { expect, test } from 'vitest'
import { boundOf } from '../../../bench/swarm/bound.ts'
import { PAYLOAD_SHARE } from '../../simulation/scenarios/scenario.ts'

/** As much content as fits into a second at 1 Mbit/s, in full segments. */
const SECOND_BYTES = (1e6 / 8) * PAYLOAD_SHARE

test.each([
  ['equal links', { node: 1e6, supernode: 1e6, registry: 1e6 }, 'slowest-link', 1_000],
  ['slow nodes', { node: 1e6, supernode: 9e6, registry: 9e6 }, 'slowest-link', 1_000],
  ['a slow supernode', { node: 4e6, supernode: 2e6, registry: 4e6 }, 'seed', 500],
  ['a slow registry', { node: 4e6, supernode: 4e6, registry: 0.5e6 }, 'origin', 2_000],
] as const)('the bound of %s', (_, rates, boundBy, boundMs) => {
  expect(boundOf(SECOND_BYTES, rates)).toEqual({ boundBy, boundMs: expect.closeTo(boundMs, 6) })
})

test('256 MiB take 22.5 s at 100 Mbit/s, as frames have headers', () => {
  const rates = { node: 100e6, supernode: 100e6, registry: 100e6 }
  expect(boundOf(256 * 1024 * 1024, rates).boundMs).toBeCloseTo(22_453.66, 1)
})
