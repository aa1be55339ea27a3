import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** Takes bytes that are good until it returns. */
export type Taker = (bytes: Uint8Array) => void

/**
 * A stream that hands its bytes to one taker as they come. The lists and events that libp2p makes for each piece cost more than to
 * decrypt it.
 */
export interface DirectSource {
  /** From now on the taker is given all that comes, first of all what has come already. It takes the place of `message` events. */
  takeOver(taker: Taker): void
}

/** Gives a taker all that comes over a stream, directly where the stream can do that. */
export function takeBytes(stream: MessageStream & Partial<DirectSource>, taker: Taker): void {
  if (stream.takeOver !== undefined) stream.takeOver(taker)
  else stream.addEventListener('message', ({ data }) => takeEach(data, taker))
}

/** What a direct source tells of itself. */
interface SourceState {
  readonly readBufferLength: number
  readonly readStatus: string
}

/** Whether bytes may go to a taker at once: nobody has paused the stream or ended it, and none wait that came before. */
export function flowsFreely({ readBufferLength, readStatus }: SourceState): boolean {
  return readBufferLength === 0 && readStatus === 'readable'
}

/** Gives a taker bytes that waited. */
export function takeEach(data: Uint8Array | Uint8ArrayList, taker: Taker): void {
  if (data instanceof Uint8Array) taker(data)
  else for (const chunk of data) taker(chunk)
}
