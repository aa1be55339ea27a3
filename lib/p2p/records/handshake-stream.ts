import type { AbortOptions, MessageStream } from '@libp2p/interface'
import type { SendResult } from '@libp2p/utils'
import { Uint8ArrayList } from 'uint8arraylist'
import { takeBytes } from '../direct-source.ts'
import { LayeredStream } from './layered-stream.ts'

/** Noise puts the length of each message before it (u16, big-endian). */
const PREFIX_BYTES = 2

/**
 * What a noise handshake sees of a connection: as many of noise's messages as belong to it, and nothing of what follows, which
 * goes to whoever takes the connection over.
 */
export class HandshakeStream extends LayeredStream {
  readonly #unread = new Uint8ArrayList()
  #messagesLeft: number
  #successor: ((bytes: Uint8Array) => void) | undefined

  /** @param messages that the other end sends before the connection is handed over */
  constructor(connection: MessageStream, messages: number) {
    super(connection)
    this.#messagesLeft = messages
    takeBytes(connection, bytes => this.#take(bytes))
  }

  /** From now on all that comes goes there, first of all what has come already. */
  handOver(successor: (bytes: Uint8Array) => void): void {
    const unread = this.#unread.subarray()
    this.#unread.consume(unread.length)
    this.#successor = successor
    if (unread.length > 0) successor(unread)
  }

  override sendData(data: Uint8ArrayList): SendResult {
    return { sentBytes: data.byteLength, canSendMore: this.connection.send(data) }
  }

  override close(options?: AbortOptions): Promise<void> {
    return this.connection.close(options)
  }

  #take(bytes: Uint8Array): void {
    if (this.#successor !== undefined) this.#successor(bytes)
    else this.#goOn(bytes)
  }

  #goOn(bytes: Uint8Array): void {
    this.#unread.append(Uint8Array.from(bytes))
    if (this.#unread.byteLength > this.maxReadBufferLength) this.abort(new Error('too much data during the handshake'))
    while (this.#messagesLeft > 0 && this.#unread.byteLength >= PREFIX_BYTES) {
      const messageBytes = PREFIX_BYTES + this.#unread.getUint16(0)
      if (this.#unread.byteLength < messageBytes) return
      const message = this.#unread.sublist(0, messageBytes)
      this.#unread.consume(messageBytes)
      this.#messagesLeft--
      this.onData(message)
    }
  }
}
