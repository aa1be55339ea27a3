import type { MessageStream } from '@libp2p/interface'
import type { AbstractMessageStream } from '@libp2p/utils'
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

/** What of a direct source is the same for all: who takes its bytes, and whether they may go there at once. */
export class DirectOutlet {
  readonly #stream: AbstractMessageStream
  #taker: Taker | undefined

  constructor(stream: AbstractMessageStream) {
    this.#stream = stream
  }

  /** What waits, or comes in a pause, is handed over as `message` events. */
  takeOver(taker: Taker): void {
    this.#taker = taker
    this.#stream.addEventListener('message', ({ data }) => takeEach(data, taker))
  }

  /** @returns false where the bytes must wait: nobody takes them, the stream is paused or ended, or some wait that came before */
  give(bytes: Uint8Array): boolean {
    const { readBufferLength, readStatus } = this.#stream
    if (this.#taker === undefined || readBufferLength > 0 || readStatus !== 'readable') return false
    this.#taker(bytes)
    return true
  }
}

/** Gives a taker bytes that waited. */
export function takeEach(data: Uint8Array | Uint8ArrayList, taker: Taker): void {
  if (data instanceof Uint8Array) taker(data)
  else for (const chunk of data) taker(chunk)
}
