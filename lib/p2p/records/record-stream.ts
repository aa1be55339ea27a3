import { once } from 'node:events'
import type { AbortOptions, MessageStream } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import { type DirectSource, flowsFreely, type Taker, takeEach } from '../direct-source.ts'
import type { HandshakeStream } from './handshake-stream.ts'
import { LayeredStream } from './layered-stream.ts'
import { MAX_TEXT_BYTES, seal, sealedBytes, unseal } from './record-cipher.ts'
import { LARGEST_BYTES, RecordDecoder } from './record-decoder.ts'
import type { RecordKeys } from './record-keys.ts'
import { SpareMemory } from './spare-memory.ts'

/** So much is sealed and given to the socket in one go, at most. */
const BATCH_BYTES = 4 * MAX_TEXT_BYTES

/** What the connections of a node share. */
export interface RecordMemory {
  readonly batches: SpareMemory
  readonly records: SpareMemory
}

export function createRecordMemory(): RecordMemory {
  return { batches: new SpareMemory(sealedBytes(BATCH_BYTES)), records: new SpareMemory(LARGEST_BYTES) }
}

export interface RecordStreamInit {
  readonly connection: MessageStream
  readonly handshake: HandshakeStream
  readonly sending: RecordKeys
  readonly receiving: RecordKeys
  readonly memory: RecordMemory
}

/** A connection whose bytes go in sealed records. */
export class RecordStream extends LayeredStream implements DirectSource {
  readonly #sending: RecordKeys
  readonly #memory: SpareMemory
  /** What the connection was given and has not passed on to the kernel. */
  #unsent: Buffer | undefined
  #flushes = false
  #taker: Taker | undefined

  constructor({ connection, handshake, sending, receiving, memory }: RecordStreamInit) {
    super(connection)
    this.#sending = sending
    this.#memory = memory.batches
    const decoder = new RecordDecoder(memory.records, sealed => this.#received(unseal(receiving, sealed)))
    handshake.handOver(bytes => {
      try {
        if (this.status === 'open') decoder.push(bytes)
      } catch (error) {
        this.abort(error as Error)
      }
    })
  }

  takeOver(taker: Taker): void {
    this.#taker = taker
    this.addEventListener('message', ({ data }) => takeEach(data, taker))
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sentBytes = Math.min(data.byteLength, BATCH_BYTES)
    const text = sentBytes === data.byteLength ? data : data.sublist(0, sentBytes)
    if (sentBytes < MAX_TEXT_BYTES) {
      const sealed = seal(this.#sending, text, sentBytes, Buffer.allocUnsafe(sealedBytes(sentBytes)))
      return { sentBytes, canSendMore: this.connection.send(sealed) }
    }
    const batch = this.#memory.take()
    const canSendMore = this.connection.send(seal(this.#sending, text, sentBytes, batch))
    // So much fills a socket, which says when it is empty again. What else took it at once may still hold it.
    if (!canSendMore) this.#unsent = batch
    return { sentBytes, canSendMore }
  }

  protected override connectionDrained(): void {
    if (this.#unsent === undefined || this.connection.writableNeedsDrain) return
    this.#memory.giveBack(this.#unsent)
    this.#unsent = undefined
  }

  override async close(options?: AbortOptions): Promise<void> {
    super.processSendQueue()
    if (this.writeBuffer.byteLength > 0) await this.#untilSent(options)
    await this.connection.close(options)
  }

  /** Gathers what is sent in one turn, since each piece given to the socket by itself costs a system call. */
  protected override processSendQueue(): boolean {
    if (this.writableNeedsDrain) return false
    if (this.writeBuffer.byteLength >= BATCH_BYTES) return super.processSendQueue()
    if (!this.#flushes) {
      this.#flushes = true
      queueMicrotask(() => this.#flush())
    }
    return true
  }

  /** Waits until the connection has taken all, or is gone: once it closes it takes no more. */
  async #untilSent({ signal }: AbortOptions = {}): Promise<void> {
    const over = new AbortController()
    const either = { signal: signal === undefined ? over.signal : AbortSignal.any([over.signal, signal]) }
    try {
      await Promise.race([once(this, 'idle', either), once(this, 'close', either)])
    } finally {
      over.abort()
    }
  }

  #received(text: Uint8Array): void {
    if (this.#taker !== undefined && flowsFreely(this)) this.#taker(text)
    else this.onData(text)
  }

  #flush(): void {
    this.#flushes = false
    try {
      super.processSendQueue()
    } catch (error) {
      this.log.error('sending failed - %e', error)
    }
  }
}
