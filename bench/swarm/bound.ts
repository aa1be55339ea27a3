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
 * The part of a link's rate that is left for content. tbf counts whole Ethernet frames (1,514 bytes, the 4 of the checksum not
 * included), of which IPv4, TCP and its timestamps leave 1,448 at the usual MTU of 1,500. Acknowledgements on the way back,
 * encryption and our own framing are not taken off: what they cost shows in the ratios.
 */
export const PAYLOAD_SHARE = 1448 / 1514

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
