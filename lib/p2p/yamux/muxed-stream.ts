import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractStream, type SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DirectOutlet, type DirectSource, type Taker } from '../direct-source.ts'
import { Flag, type FrameHeader, FrameType, HEADER_BYTES } from './frame.ts'
import { INITIAL_WINDOW_BYTES, LARGEST_WINDOW_BYTES, ReceiveWindow } from './receive-window.ts'

/** Data of one frame, at most: with its header it fills a record. */
const MAX_DATA_BYTES = 64 * 1024 - HEADER_BYTES

/** What a stream needs of its connection. */
export interface FrameSender {
  /** To the other end and back when nothing else is on the way. */
  readonly roundTripMs: number
  now(): number
  /** @returns whether more may be sent at once */
  sendFrame(header: FrameHeader, data?: Uint8ArrayList): boolean
}

export interface MuxedStreamInit {
  readonly number: number
  readonly direction: MessageStreamDirection
  readonly sender: FrameSender
  readonly log: Logger
}

/** One of the streams that share a connection. */
export class MuxedStream extends AbstractStream implements DirectSource {
  readonly number: number
  readonly #sender: FrameSender
  readonly #receiveWindow: ReceiveWindow
  #sendWindowBytes = INITIAL_WINDOW_BYTES
  /** Goes with the first frame that is sent: opens the stream, or accepts it. */
  #flags: number
  readonly #outlet = new DirectOutlet(this)

  constructor({ number, direction, sender, log }: MuxedStreamInit) {
    // What comes in while a reader pauses is bounded by the window.
    super({ id: `${number}`, direction, log, maxReadBufferLength: 2 * LARGEST_WINDOW_BYTES })
    this.number = number
    this.#sender = sender
    this.#flags = direction === 'outbound' ? Flag.syn : Flag.ack
    this.#receiveWindow = new ReceiveWindow(sender.now())
  }

  /** Opens the stream at the other end, or accepts it. */
  begin(): void {
    if (this.status === 'open') this.#send(FrameType.windowUpdate, 0)
  }

  /** A frame for this stream has begun. @throws Error when the other end sends more than it may */
  onFrame({ type, length }: FrameHeader): void {
    if (type === FrameType.data) this.#receiveWindow.received(length)
    else this.#allow(length)
  }

  /** Some of the data of a frame has come. */
  received(data: Uint8Array): void {
    if (!this.#outlet.give(data)) this.onData(data)
  }

  takeOver(taker: Taker): void {
    this.#outlet.takeOver(taker)
  }

  /** A frame for this stream is complete. */
  onFrameEnd({ type, flags }: FrameHeader): void {
    // Who got its data may have broken the stream; it is not to end twice.
    if (this.status !== 'open') return
    if ((flags & Flag.reset) !== 0) this.onRemoteReset()
    else if ((flags & Flag.fin) !== 0) this.onRemoteCloseWrite()
    else if (type === FrameType.data) this.#updateWindow()
  }

  override sendData(data: Uint8ArrayList): SendResult {
    let sentBytes = 0
    while (sentBytes < data.byteLength) {
      const length = Math.min(this.#sendWindowBytes, MAX_DATA_BYTES, data.byteLength - sentBytes)
      if (length === 0) return { sentBytes, canSendMore: false }
      this.#sendWindowBytes -= length
      const canSendMore = this.#send(FrameType.data, length, data.sublist(sentBytes, sentBytes + length))
      sentBytes += length
      if (!canSendMore) return { sentBytes, canSendMore }
    }
    return { sentBytes, canSendMore: true }
  }

  override sendReset(): void {
    this.#flags |= Flag.reset
    this.#send(FrameType.windowUpdate, 0)
  }

  override async sendCloseWrite(): Promise<void> {
    this.#flags |= Flag.fin
    this.#send(FrameType.windowUpdate, 0)
  }

  /** Yamux has no word for it. */
  override async sendCloseRead(options?: AbortOptions): Promise<void> {
    options?.signal?.throwIfAborted()
  }

  /** The other end stops by itself when its window is used up. */
  override sendPause(): void {}

  override sendResume(): void {
    this.#updateWindow()
  }

  #allow(bytes: number): void {
    this.#sendWindowBytes += bytes
    if (bytes > 0 && this.writeBuffer.byteLength > 0) this.safeDispatchEvent('drain')
  }

  #updateWindow(): void {
    // A reader that wants no more does not hold up the other end: yamux has no word to tell it.
    if (this.readStatus === 'paused' || this.remoteWriteStatus === 'closed') return
    const bytes = this.#receiveWindow.update(this.#sender.now(), this.#sender.roundTripMs)
    if (bytes > 0) this.#send(FrameType.windowUpdate, bytes)
  }

  #send(type: number, length: number, data?: Uint8ArrayList): boolean {
    const flags = this.#flags
    this.#flags = 0
    return this.#sender.sendFrame({ type, flags, stream: this.number, length }, data)
  }
}
