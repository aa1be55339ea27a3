import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import { createBodyWatch } from './body-watch.ts'
import type { ConnectionLimitsConfig } from './config.ts'
import { type ConnectionEntry, type ConnectionState, ConnectionTable, connectionGroup } from './connection-table.ts'

/** Why a connection was ended before its time. */
export type EndReason =
  | 'unused'
  | 'idle'
  | 'per-address'
  | 'full'
  | 'slow-headers'
  | 'slow-body'
  | 'malformed'
  | 'descriptors'

/** What a server has to be made with. */
export interface GuardedServerOptions
  extends Required<Pick<ServerOptions, 'headersTimeout' | 'connectionsCheckingInterval' | 'maxHeaderSize'>> {
  /** Of a server for TLS. */
  readonly handshakeTimeout: number
}

/** Keeps slow, idle and numerous clients from harming the others. */
export interface ConnectionGuard {
  /** For each server that is watched. */
  readonly serverOptions: GuardedServerOptions
  /** Connections by state. */
  counts(): Record<ConnectionState, number>
  /** Watches a server from its start to its end. Several share the limits. */
  watch(server: Server): void
  /** A request has come that the listeners of a watched server do not get. */
  begin(request: IncomingMessage, response: ServerResponse): void
  /** A connection is in use from now on until it ends, or is handed to another watched server: as after CONNECT. */
  keep(socket: Duplex): void
}

export interface ConnectionGuardComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** Called for each connection that is ended. */
  readonly ended: (reason: EndReason) => void
}

/** Credentials of registries are long; Node's own default. */
const MAX_HEADER_BYTES = 16 * 1024
/** The system's error when there are no more descriptors comes for each connection: one warning in this time is enough. */
const WARN_EVERY_MS = 60_000

const CLIENT_ERRORS: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

/** Guards the servers of one program. */
export function createConnectionGuard(
  { clock, logger, ended }: ConnectionGuardComponents,
  { max, maxPerAddress, headersSeconds, minBodyRate }: ConnectionLimitsConfig,
): ConnectionGuard {
  const table = new ConnectionTable(ended, { max, maxPerAddress })
  const bodies = createBodyWatch({ clock, ended: () => ended('slow-body') }, minBodyRate)
  const entries = new Map<string | Duplex, ConnectionEntry>()
  const pending = new WeakMap<ConnectionEntry, number>()
  const headersTimeout = headersSeconds * 1000
  const running = new Set<Server>()
  let warnedAtMs = Number.NEGATIVE_INFINITY

  function onConnection(socket: Socket): void {
    const key = keyOf(socket)
    const known = entries.get(key)
    // What was given away after CONNECT comes back as an intercepted connection.
    if (known !== undefined) {
      table.change(known, 'new')
      return
    }
    const entry = table.add(socket, connectionGroup(socket))
    if (entry === undefined) return
    entries.set(key, entry)
    socket.once('close', () => {
      if (entries.get(key) === entry) entries.delete(key)
      table.remove(entry)
    })
  }

  function begin(request: IncomingMessage, response: ServerResponse): void {
    const key = keyOf(request.socket)
    const entry = entries.get(key)
    if (entry === undefined) return
    bodies.add(request, response)
    pending.set(entry, (pending.get(entry) ?? 0) + 1)
    table.change(entry, 'busy')
    response.once('close', () => {
      const left = (pending.get(entry) ?? 1) - 1
      pending.set(entry, left)
      if (left === 0 && entries.get(key) === entry) table.change(entry, 'idle')
    })
  }

  function keep(socket: Duplex): void {
    const entry = entries.get(keyOf(socket))
    if (entry !== undefined) table.change(entry, 'busy')
  }

  function onError(error: NodeJS.ErrnoException): void {
    ended('descriptors')
    if (clock.now() - warnedAtMs < WARN_EVERY_MS) return
    warnedAtMs = clock.now()
    logger.warn(
      { code: error.code },
      'a connection could not be accepted; raise the limit of open files, ulimit -n or LimitNOFILE=',
    )
  }

  function onClientError({ code = '' }: NodeJS.ErrnoException): void {
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') ended('slow-headers')
    else if (code.startsWith('HPE_')) ended('malformed')
  }

  return {
    serverOptions: {
      headersTimeout,
      connectionsCheckingInterval: Math.min(5_000, headersTimeout),
      maxHeaderSize: MAX_HEADER_BYTES,
      handshakeTimeout: headersTimeout,
    },
    counts: () => table.counts,
    begin,
    keep,
    watch(server) {
      server.on('connection', onConnection)
      server.on('request', begin)
      // Without anybody who answers it, Node does so itself; with a listener it leaves that to him.
      if (server.listenerCount('clientError') === 0) server.on('clientError', answerClientError)
      server.on('clientError', onClientError)
      server.on('listening', () => {
        running.add(server)
        bodies.start()
        server.on('error', onError)
      })
      server.on('close', () => {
        running.delete(server)
        if (running.size === 0) bodies.stop()
        server.off('error', onError)
      })
    },
  }
}

/** Under TLS a request has another socket than its connection, with the same ends. */
function keyOf(socket: Duplex): string | Duplex {
  const { remoteAddress, remotePort, localPort } = socket as Partial<Socket>
  return remotePort === undefined ? socket : `${remoteAddress} ${remotePort} ${localPort}`
}

function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = CLIENT_ERRORS[error.code ?? ''] ?? '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy())
}
