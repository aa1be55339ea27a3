import type { StreamMuxerFactory } from '@libp2p/interface'
import { Muxer, YAMUX_PROTOCOL } from './muxer.ts'

/**
 * Yamux, in such a way that data cost little: they are passed on in the pieces in which they come, windows are renewed when half
 * of them is used, and streams take turns (docs/decisions/0011). On the wire it is what every libp2p speaks.
 */
export function createYamux(): StreamMuxerFactory {
  return { protocol: YAMUX_PROTOCOL, createStreamMuxer: connection => new Muxer(connection) }
}
