import { PAYLOAD_SHARE } from '../../test/simulation/scenarios/scenario.ts'
import type { LinkRates } from './config.ts'

/** The least time in which any plan could bring an image to all nodes, and the term that binds. */
export interface Bound {
  readonly boundMs: number
  /**
   * `slowest-link`: each node must receive all of it, F/d_min. `seed`: the supernode must send it once, F/u_s. `origin`: it must come
   * from the registry to the supernode once.
   */
  readonly boundBy: 'slowest-link' | 'seed' | 'origin'
}

/**
 * The physical limit without latencies: max{F/u_s, F/d_min, N·F/(u_s + Σu_i)} (Kumar and Ross, HotWeb 2006), and what the origin
 * takes. The third term is left out: it is less than the second where nodes send as fast as they receive. Of equals the first
 * counts.
 */
export function boundOf(imageBytes: number, { node, supernode, registry }: LinkRates): Bound {
  const ms = (bitsPerSecond: number) => (imageBytes * 8 * 1000) / (bitsPerSecond * PAYLOAD_SHARE)
  const terms: readonly Bound[] = [
    { boundBy: 'slowest-link', boundMs: ms(node) },
    { boundBy: 'seed', boundMs: ms(supernode) },
    { boundBy: 'origin', boundMs: ms(registry) },
  ]
  return terms.reduce((most, term) => (term.boundMs > most.boundMs ? term : most))
}
