import type { Stream } from '@libp2p/interface'
import type { FrameDecoder } from '../../protocol/frame.ts'
import type { ByteGate } from '../limits/byte-gate.ts'

export interface GatedInputInit {
  readonly stream: Stream
  readonly decoder: FrameDecoder
  readonly gate: ByteGate
  /** Bytes were let through. */
  readonly progress: () => void
  /** What the decoder threw. */
  readonly failed: (error: Error) => void
  /** Ends the wait at the gate. */
  readonly signal: AbortSignal
}

/**
 * Feeds a decoder the data of a stream as fast as a gate lets it through; all else passes freely. While bytes wait at the gate
 * the stream is not read, so that the other end stops sending when its window is used up.
 */
export class GatedInput {
  readonly #init: GatedInputInit
  readonly #held: Uint8Array[] = []
  #reading = false
  #resuming = false

  constructor(init: GatedInputInit) {
    this.#init = init
    // What arrives in a pause is bounded by the window that yamux enforces; libp2p's own bound is below the largest window.
    init.stream.maxReadBufferLength = Number.POSITIVE_INFINITY
  }

  /** Whether bytes wait at the gate. */
  get waits(): boolean {
    return this.#reading
  }

  /** Takes what has come in. @throws what the decoder throws */
  push(bytes: Uint8Array): void {
    const { stream, decoder, gate, failed } = this.#init
    if (!this.#reading && gate.open) {
      decoder.push(bytes)
      return
    }
    this.#held.push(Uint8Array.from(bytes))
    if (this.#reading) return
    this.#reading = true
    if (!this.#resuming) stream.pause()
    this.#read().catch(failed)
  }

  async #read(): Promise<void> {
    for (let chunk = this.#held.shift(); chunk !== undefined; chunk = this.#held.shift()) {
      for (let rest = chunk; rest.length > 0; ) rest = await this.#advance(rest)
    }
    this.#reading = false
    if (!this.#init.signal.aborted) this.#resume()
  }

  /** @returns what is left of the bytes */
  async #advance(bytes: Uint8Array): Promise<Uint8Array> {
    const { decoder, gate, progress, signal } = this.#init
    if (signal.aborted) return bytes.subarray(bytes.length)
    const free = decoder.pushUpToData(bytes)
    const dataBytes = Math.min(decoder.dataLeft, bytes.length - free)
    if (dataBytes === 0) return bytes.subarray(free)
    const end = free + (gate.open ? dataBytes : await gate.take(dataBytes, signal))
    if (signal.aborted) return bytes.subarray(bytes.length)
    decoder.push(bytes.subarray(free, end))
    progress()
    return bytes.subarray(end)
  }

  #resume(): void {
    const { stream } = this.#init
    this.#resuming = true
    // Hands out what arrived in the pause, and then opens the window, even if a handler has paused the stream again.
    stream.resume()
    this.#resuming = false
    if (this.#reading) stream.pause()
  }
}
