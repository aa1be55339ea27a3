import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket } from 'node:tls'
import type { Clock } from '../../lib/clock.ts'
import type { ConnectionGuard } from '../../lib/http/protection/connection-guard.ts'
import type { Logger } from '../../lib/logger.ts'
import type { Authority } from './authority.ts'
import type { OwnedSockets } from './owned-sockets.ts'

/** Answers a request that came in over an intercepted connection. @param authority whom the connection is to */
export type AnswerIntercepted = (request: IncomingMessage, response: ServerResponse, authority: Authority) => void

/** Speaks TLS and HTTP/1.1 to clients in the place of the servers that they called. */
export interface InterceptedServer {
  /**
   * Takes over a client's connection that is about to begin TLS.
   * @param settled called once: whether the handshake succeeded. Mostly it fails because the client does not know our
   * certificate authority
   */
  accept(client: Socket, context: SecureContext, authority: Authority, settled: (secure: boolean) => void): void
  /** Ends the server; its sockets belong to their owner. */
  stop(): void
}

const HANDSHAKE_MS = 10_000
/** Go's clients reuse idle connections for up to 30 s, so it must be longer. */
const KEEP_ALIVE_MS = 75_000

export interface InterceptedServerComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly sockets: OwnedSockets
  /** Says how long clients may take, and counts their connections. */
  readonly protection: Pick<ConnectionGuard, 'serverOptions' | 'watch'>
}

/** A server without a listening socket: connections are handed to it. */
export function createInterceptedServer(
  { clock, logger, sockets, protection }: InterceptedServerComponents,
  answer: AnswerIntercepted,
): InterceptedServer {
  const authorities = new WeakMap<Socket, Authority>()
  const http = createServer(
    // A push may take longer than any limit on a whole request.
    { ...protection.serverOptions, keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 },
    (request, response) => {
      const authority = authorities.get(request.socket)
      if (authority === undefined) request.socket.destroy()
      else answer(request, response, authority)
    },
  )
  protection.watch(http)
  // Only a server that is told it listens looks after the time limits of its connections.
  http.emit('listening')

  return {
    accept(client, secureContext, authority, settled) {
      const socket = new TLSSocket(client, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] })
      sockets.add(socket)
      authorities.set(socket, authority)
      let failure: Error | undefined
      function failed(): void {
        cancelDeadline()
        logger.debug(
          { host: authority.host, error: failure },
          'TLS with a client failed; if it does not trust the certificate authority, give it intercept/ca.crt',
        )
        settled(false)
      }
      const cancelDeadline = clock.after(HANDSHAKE_MS, () => socket.destroy(new Error('no handshake in time')))
      socket.once('error', error => {
        failure = error
      })
      socket.once('close', failed)
      socket.once('secure', () => {
        cancelDeadline()
        socket.off('close', failed)
        settled(true)
        http.emit('connection', socket)
      })
    },
    stop() {
      http.close()
    },
  }
}
