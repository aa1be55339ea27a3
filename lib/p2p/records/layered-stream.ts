import type { MessageStream } from '@libp2p/interface'
import { AbstractMessageStream } from '@libp2p/utils'

/** A stream of messages over a connection, whose state is that of the connection. */
export abstract class LayeredStream extends AbstractMessageStream {
  protected readonly connection: MessageStream

  constructor(connection: MessageStream) {
    super({
      log: connection.log,
      direction: connection.direction,
      inactivityTimeout: connection.inactivityTimeout,
      maxReadBufferLength: connection.maxReadBufferLength,
    })
    this.connection = connection
    connection.addEventListener('drain', () => {
      if (this.connectionDrained()) this.safeDispatchEvent('drain')
    })
    connection.addEventListener('remoteCloseWrite', () => this.onRemoteCloseWrite())
    connection.addEventListener('close', ({ error, local }) => {
      if (error === undefined) this.onTransportClosed()
      else if (local) this.abort(error)
      else this.onRemoteReset()
    })
  }

  /** The connection has passed on all that it was given. @returns whether this stream takes more now */
  protected connectionDrained(): boolean {
    return true
  }

  override sendReset(error: Error): void {
    this.connection.abort(error)
  }

  override sendPause(): void {
    this.connection.pause()
  }

  override sendResume(): void {
    this.connection.resume()
  }
}
