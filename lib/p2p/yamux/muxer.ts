import { type MessageStream, MuxerClosedError, TooManyOutboundProtocolStreamsError } from '@libp2p/interface'
import { AbstractStreamMuxer } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { takeBytes } from '../direct-source.ts'
import type { RecordStream } from '../records/record-stream.ts'
import { YamuxDecoder } from './decoder.ts'
import { encodeHeader, Flag, type FrameHeader, FrameType, GoAway } from './frame.ts'
import { type FrameSender, MuxedStream } from './muxed-stream.ts'

export const YAMUX_PROTOCOL = '/yamux/1.0.0'

/** Streams that the other end may have open at once. */
const MAX_INBOUND_STREAMS = 1_000
const MAX_OUTBOUND_STREAMS = 1_000

/** Unsent bytes of a connection beyond which nothing is answered any more. Data of streams wait elsewhere. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024

/** Keeps connections alive on which nothing else happens, and measures how long the way is. */
const PING_EVERY_MS = 10_000

/** A connection over which nothing comes for so long, in spite of pings, is dead. */
const DEAD_AFTER_MS = 30_000

/** The streams of one connection, in the language of yamux. */
export class Muxer extends AbstractStreamMuxer<MuxedStream> implements FrameSender {
  roundTripMs = 0
  readonly #connects: boolean
  readonly #sealsAtOnce: boolean
  readonly #byNumber = new Map<number, MuxedStream>()
  readonly #pings: NodeJS.Timeout
  #nextNumber: number
  #inbound = 0
  /** The frame that is coming in, and whose it is. */
  #frame: FrameHeader = { type: FrameType.goAway, flags: 0, stream: 0, length: 0 }
  #stream: MuxedStream | undefined
  #pingId = 0
  /** When the last ping went out, and whether its answer is still to come. */
  #pingedAtMs: number
  #awaitsPong = false
  #heardAtMs: number
  #goesAway = false
  readonly #decoder = new YamuxDecoder({
    begin: header => this.#begin(header),
    data: bytes => this.#stream?.received(bytes),
    end: () => this.#stream?.onFrameEnd(this.#frame),
  })

  constructor(connection: MessageStream) {
    super(connection, { protocol: YAMUX_PROTOCOL, name: 'yamux' })
    this.#connects = connection.direction === 'outbound'
    this.#sealsAtOnce = (connection as Partial<RecordStream>).sealsAtOnce === true
    this.#nextNumber = this.#connects ? 1 : 2
    // The turn of whoever was asked first passes to the next, so that one stream full of data does not hold up the others.
    connection.addEventListener('drain', () => this.streams.push(...this.streams.splice(0, 1)))
    takeBytes(connection, bytes => this.#received(bytes))
    this.#heardAtMs = this.now()
    this.#pingedAtMs = this.now()
    this.#pings = setInterval(() => this.#checkAlive(), PING_EVERY_MS)
    this.#pings.unref()
    this.#ping()
  }

  now(): number {
    return performance.now()
  }

  sendFrame(header: FrameHeader, data?: Uint8ArrayList): boolean {
    const bytes = encodeHeader(header)
    if (data === undefined) return this.send(bytes)
    // Whoever sends may use the memory again as soon as the stream has none of it waiting.
    return this.send(new Uint8ArrayList(bytes, this.#sealsAtOnce ? data : data.slice()))
  }

  override onCreateStream(): MuxedStream {
    if (this.#goesAway) throw new MuxerClosedError('the connection is being closed')
    if (this.#byNumber.size - this.#inbound >= MAX_OUTBOUND_STREAMS) {
      throw new TooManyOutboundProtocolStreamsError('too many streams')
    }
    const stream = this.#create(this.#nextNumber, 'outbound')
    this.#nextNumber += 2
    // The answer may come at once: not before the superclass knows the stream.
    queueMicrotask(() => stream.begin())
    return stream
  }

  /** What the superclass hears comes to the decoder by itself, directly where the connection can do that: once, not twice. */
  override onData(): void {}

  override async close(options?: Parameters<AbstractStreamMuxer['close']>[0]): Promise<void> {
    if (this.status !== 'open') return
    await super.close(options)
    this.#goAway(GoAway.normal)
  }

  override abort(error: Error): void {
    if (this.status !== 'open') return
    super.abort(error)
    this.#goAway(GoAway.protocolError)
  }

  override onTransportClosed(error?: Error): void {
    clearInterval(this.#pings)
    super.onTransportClosed(error)
  }

  #create(number: number, direction: 'inbound' | 'outbound'): MuxedStream {
    const log = this.log.newScope(`${direction}:${number}`)
    const stream = new MuxedStream({ number, direction, sender: this, log })
    this.#byNumber.set(number, stream)
    if (direction === 'inbound') this.#inbound++
    stream.addEventListener('close', () => {
      this.#byNumber.delete(number)
      if (direction === 'inbound') this.#inbound--
    })
    return stream
  }

  #received(bytes: Uint8Array): void {
    this.#heardAtMs = this.now()
    try {
      this.#decoder.push(bytes)
    } catch (error) {
      this.abort(error as Error)
      this.maConn.abort(error as Error)
    }
  }

  #begin(header: FrameHeader): void {
    this.#frame = header
    this.#stream = undefined
    if (header.stream === 0) this.#ofConnection(header)
    else this.#ofStream(header)
  }

  #ofStream(header: FrameHeader): void {
    const { type, flags, stream: number } = header
    if (type > FrameType.windowUpdate) throw new Error(`a yamux frame of type ${type} for a stream`)
    if ((flags & Flag.syn) !== 0 && !this.#byNumber.has(number)) this.#accept(number)
    // One that is closed here may still be told things.
    this.#stream = this.#byNumber.get(number)
    this.#stream?.onFrame(header)
  }

  #accept(number: number): void {
    if ((number % 2 === 0) !== this.#connects) throw new Error('a stream with a number of ours')
    if (this.#goesAway || this.#inbound >= MAX_INBOUND_STREAMS) {
      this.#answer({ type: FrameType.windowUpdate, flags: Flag.reset, stream: number, length: 0 })
      return
    }
    const stream = this.#create(number, 'inbound')
    this.onRemoteStream(stream)
    stream.begin()
  }

  #ofConnection({ type, flags, length }: FrameHeader): void {
    if (type === FrameType.goAway) this.#otherGoesAway(length)
    else if (type !== FrameType.ping) throw new Error(`a yamux frame of type ${type} for the connection`)
    else if (flags === Flag.syn) this.#answer({ type, flags: Flag.ack, stream: 0, length })
    else this.#pong(length)
  }

  /** @throws Error when the other end asks on and on and does not read the answers */
  #answer(header: FrameHeader): void {
    if (this.maConn.writeBufferLength > MAX_UNREAD_BYTES) throw new Error('the other end does not read')
    this.sendFrame(header)
  }

  #otherGoesAway(reason: number): void {
    this.#goesAway = true
    if (reason === GoAway.normal) this.onTransportClosed()
    else this.abort(new Error('the other end has closed the connection'))
  }

  #goAway(reason: number): void {
    clearInterval(this.#pings)
    this.#goesAway = true
    this.sendFrame({ type: FrameType.goAway, flags: 0, stream: 0, length: reason })
  }

  #checkAlive(): void {
    const nowMs = this.now()
    // A process that was held up has yet to read what was sent to it.
    const heldUp = nowMs - this.#pingedAtMs > 2 * PING_EVERY_MS
    if (!heldUp && nowMs - this.#heardAtMs > DEAD_AFTER_MS) this.maConn.abort(new Error('the other end is silent'))
    else this.#ping()
  }

  #ping(): void {
    this.#pingedAtMs = this.now()
    this.#awaitsPong = true
    this.sendFrame({ type: FrameType.ping, flags: Flag.syn, stream: 0, length: ++this.#pingId })
  }

  #pong(id: number): void {
    if (id !== this.#pingId || !this.#awaitsPong) return
    // The shortest of all: others waited for data that were on the way before them.
    const tookMs = this.now() - this.#pingedAtMs
    this.roundTripMs = this.roundTripMs === 0 ? tookMs : Math.min(this.roundTripMs, tookMs)
    this.#awaitsPong = false
  }
}
