import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { AbortOptions, Logger, MessageStreamDirection } from '@libp2p/interface'
import { AbstractMultiaddrConnection, type SendResult } from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Uint8ArrayList } from 'uint8arraylist'
import { DirectOutlet, type DirectSource, type Taker } from '../direct-source.ts'
import { readInto } from './read-into.ts'

/** A connection over which nothing goes for so long is given up. Yamux's pings keep one alive that nobody uses. */
const IDLE_MS = 120_000

export interface TcpConnectionInit {
  /** A connected socket that nobody has read from. The connection takes it over. */
  readonly socket: Socket
  /** What it reads into, shared with other connections: bytes are taken or copied before the next are read. */
  readonly memory: Uint8Array
  readonly remoteAddr: Multiaddr
  readonly direction: MessageStreamDirection
  readonly log: Logger
}

/** A TCP connection whose bytes are not put into new memory each time that some have come. */
export class TcpConnection extends AbstractMultiaddrConnection implements DirectSource {
  readonly #socket: Socket
  readonly #outlet = new DirectOutlet(this)

  constructor({ socket, memory, ...init }: TcpConnectionInit) {
    super(init)
    this.#socket = readInto(socket, memory, bytes => this.#received(bytes))
    this.#socket.on('error', error => this.abort(error))
    this.#socket.setTimeout(IDLE_MS, () => this.abort(new Error('nothing has gone over the connection')))
    this.#socket.once('end', () => this.onTransportClosed())
    this.#socket.once('close', () => this.onTransportClosed())
    this.#socket.on('drain', () => this.safeDispatchEvent('drain'))
  }

  takeOver(taker: Taker): void {
    this.#outlet.takeOver(taker)
  }

  override sendData(data: Uint8ArrayList): SendResult {
    // What is corked goes in one system call.
    this.#socket.cork()
    let canSendMore = true
    for (const bytes of data) canSendMore = this.#socket.write(bytes)
    this.#socket.uncork()
    return { sentBytes: data.byteLength, canSendMore }
  }

  override async sendClose(options?: AbortOptions): Promise<void> {
    if (this.#socket.destroyed) return
    this.#socket.destroySoon()
    await once(this.#socket, 'close', options)
  }

  override sendReset(): void {
    // A reset cannot be mixed with the orderly end that has begun.
    if (this.#socket.writableEnded) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  override sendPause(): void {
    this.#socket.pause()
  }

  override sendResume(): void {
    this.#socket.resume()
  }

  #received(bytes: Uint8Array): void {
    if (!this.#outlet.give(bytes)) this.onData(Uint8Array.from(bytes))
  }
}
