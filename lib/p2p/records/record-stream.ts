import { once } from 'node:events'
import type { AbortOptions, MessageStream } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import type { Uint8ArrayList } from 'uint8arraylist'
import type { HandshakeStream } from './handshake-stream.ts'
import { LayeredStream } from './layered-stream.ts'
import { MAX_TEXT_BYTES, seal, unseal } from './record-cipher.ts'
import { RecordDecoder } from './record-decoder.ts'
import type { RecordKeys } from './record-keys.ts'

/** So much is sealed and given to the socket in one go. */
const BATCH_BYTES = 4 * MAX_TEXT_BYTES

export interface RecordStreamInit {
  readonly connection: MessageStream
  readonly handshake: HandshakeStream
  readonly sending: RecordKeys
  readonly receiving: RecordKeys
}

/** A connection whose bytes go in sealed records. */
export class RecordStream extends LayeredStream {
  readonly #sending: RecordKeys
  #flushes = false

  constructor({ connection, handshake, sending, receiving }: RecordStreamInit) {
    super(connection)
    this.#sending = sending
    const decoder = new RecordDecoder(sealed => this.onData(unseal(receiving, sealed)))
    handshake.handOver(bytes => {
      try {
        if (this.status === 'open') decoder.push(bytes)
      } catch (error) {
        this.abort(error as Error)
      }
    })
  }

  override sendData(data: Uint8ArrayList): SendResult {
    const sealed = seal(this.#sending, data, data.byteLength)
    return { sentBytes: data.byteLength, canSendMore: this.connection.send(sealed) }
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

  #flush(): void {
    this.#flushes = false
    try {
      super.processSendQueue()
    } catch (error) {
      this.log.error('sending failed - %e', error)
    }
  }
}
