import type { MessageStream, Stream, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { createYamux } from '../../lib/p2p/yamux/create-yamux.ts'

/** Who speaks yamux: our muxer, or that of libp2p. */
export const YAMUX = { ours: createYamux, stock: () => yamux()() as StreamMuxerFactory } as const

export type Speaker = keyof typeof YAMUX

/** One end of a connection with a muxer. */
export interface MuxerEnd {
  readonly connection: MessageStream
  readonly muxer: StreamMuxer
  /** The streams that the other end opened, in their order. */
  readonly accepted: readonly Stream[]
}

/** Puts a muxer on a connection. */
export function muxerEnd(connection: MessageStream, speaker: Speaker = 'ours'): MuxerEnd {
  const muxer = YAMUX[speaker]().createStreamMuxer(connection)
  const accepted: Stream[] = []
  muxer.addEventListener('stream', ({ detail }) => accepted.push(detail))
  return { connection, muxer, accepted }
}

/** Two muxers with a connection between them. */
export function muxerPair(
  initiator: Speaker = 'ours',
  responder: Speaker = 'ours',
): [initiator: MuxerEnd, responder: MuxerEnd] {
  const [outbound, inbound] = multiaddrConnectionPair()
  return [muxerEnd(outbound, initiator), muxerEnd(inbound, responder)]
}

/** Opens a stream. @returns both ends of it, that of the opener first */
export async function openStream(from: MuxerEnd, to: MuxerEnd): Promise<[Stream, Stream]> {
  const arrival = new Promise<Stream>(resolve => {
    to.muxer.addEventListener('stream', ({ detail }) => resolve(detail), { once: true })
  })
  const opened = await from.muxer.createStream()
  return [opened, await arrival]
}
