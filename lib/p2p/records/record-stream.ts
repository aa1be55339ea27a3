import { once } from 'node:events'
import { type AbortOptions, type MessageStream, StreamStateError } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { DirectOutlet, type DirectSource, type Taker, takeEach } from '../direct-source.ts'
import type { HandshakeStream } from './handshake-stream.ts'
import { LayeredStream } from './layered-stream.ts'
import { unseal } from './record-cipher.ts'
import { RecordDecoder } from './record-decoder.ts'
import type { RecordKeys } from './record-keys.ts'
import { RecordSealer } from './record-sealer.ts'
import type { SpareMemory } from './spare-memory.ts'

/** So much is given to the socket at once, even in the middle of a turn. */
const BATCH_BYTES = 512 * 1024

export interface RecordStreamInit {
  readonly connection: MessageStream
  readonly handshake: HandshakeStream
  readonly sending: RecordKeys
  readonly receiving: RecordKeys
  /** For records that come in pieces, shared by the connections of a node; of `LARGEST_BYTES` each. */
  readonly memory: SpareMemory
}

/** A connection whose bytes go in sealed records. What it is given to send is sealed at once, and not needed any more. */
export class RecordStream extends LayeredStream implements DirectSource {
  /** For whoever sends: it holds on to nothing. */
  readonly sealsAtOnce = true
  readonly #sealer: RecordSealer
  readonly #outlet = new DirectOutlet(this)
  #flushes = false

  constructor({ connection, handshake, sending, receiving, memory }: RecordStreamInit) {
    super(connection)
    this.#sealer = new RecordSealer(sending)
    const decoder = new RecordDecoder(memory, sealed => this.#received(unseal(receiving, sealed)))
    handshake.handOver(bytes => {
      try {
        if (this.status === 'open') decoder.push(bytes)
      } catch (error) {
        this.abort(error as Error)
      }
    })
  }

  override get writeBufferLength(): number {
    return this.#sealer.waitingBytes
  }

  takeOver(taker: Taker): void {
    this.#outlet.takeOver(taker)
  }

  /** Gathers what is sent in one turn, since each piece given to the socket by itself costs a system call. */
  override send(data: Uint8Array | Uint8ArrayList): boolean {
    if (this.writeStatus === 'closed' || this.writeStatus === 'closing') {
      throw new StreamStateError(`Cannot write to a stream that is ${this.writeStatus}`)
    }
    takeEach(data, bytes => this.#sealer.add(bytes))
    if (this.#sealer.waitingBytes >= BATCH_BYTES) this.#flush()
    else if (!this.#flushes) {
      this.#flushes = true
      queueMicrotask(() => this.#flush())
    }
    return !this.writableNeedsDrain
  }

  /** What is sent goes to the sealer. */
  override sendData(): SendResult {
    return { sentBytes: 0, canSendMore: true }
  }

  protected override connectionDrained(): boolean {
    if (this.connection.writableNeedsDrain) return false
    this.writableNeedsDrain = false
    this.#flush()
    return !this.writableNeedsDrain
  }

  override async close(options?: AbortOptions): Promise<void> {
    this.#flush()
    while (this.#sealer.waitingBytes > 0 && this.status === 'open') await this.#untilDrained(options)
    await this.connection.close(options)
  }

  /** Waits until the connection takes more, or is gone. */
  async #untilDrained({ signal }: AbortOptions = {}): Promise<void> {
    const over = new AbortController()
    const either = { signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]) }
    try {
      await Promise.race([once(this, 'drain', either), once(this, 'close', either)])
    } finally {
      over.abort()
    }
  }

  #received(text: Uint8Array): void {
    if (!this.#outlet.give(text)) this.onData(text)
  }

  #flush(): void {
    this.#flushes = false
    if (this.writableNeedsDrain || this.status !== 'open' || this.#sealer.waitingBytes === 0) return
    try {
      this.writableNeedsDrain = !this.connection.send(new Uint8ArrayList(...this.#sealer.take()))
    } catch (error) {
      this.log.error('sending failed - %e', error)
    }
  }
}
