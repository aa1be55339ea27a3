import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../lib/clock.ts'
import type { Logger } from '../../lib/logger.ts'
import { connectionReason } from '../../lib/origin/connection-error.ts'
import { OutboundRefusal } from '../../lib/origin/outbound/outbound-refusal.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import { type Authority, formatAuthority, parseAuthority } from './authority.ts'
import type { InterceptedServer } from './intercepted-server.ts'
import type { OwnedSockets } from './owned-sockets.ts'
import type { ReachableHosts } from './reachable-hosts.ts'
import { refuseConnect } from './refusal.ts'
import type { ServerContexts } from './server-contexts.ts'
import { tunnel } from './tunnel.ts'

/** What became of a `CONNECT`; `untrusted` when the client did not accept our certificate. */
export type ConnectOutcome = 'intercepted' | 'tunnelled' | 'refused' | 'unreachable' | 'untrusted'

export interface ConnectProxyComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly hosts: ReachableHosts
  /** Undefined when no host is intercepted. */
  readonly contexts: ServerContexts | undefined
  readonly server: InterceptedServer
  readonly sockets: OwnedSockets
  /** Connects to a server that is tunnelled to, or rejects. */
  readonly connect: (target: Authority) => Promise<Socket>
  readonly account: (outcome: ConnectOutcome) => void
}

/** Listener of an HTTP server's `connect` event. */
export type ConnectListener = (request: IncomingMessage, client: Duplex, head: Buffer) => void

export interface ConnectProxyInit {
  /** After how long without a byte a tunnel is closed. */
  readonly tunnelIdleMs: number
}

const ESTABLISHED = 'HTTP/1.1 200 Connection Established\r\n\r\n'
/** How long a refused client may take to read why. */
const REFUSAL_LINGER_MS = 2_000

/** Answers `CONNECT` (RFC 9110 §9.3.6): intercepts, tunnels or refuses. */
export function createConnectProxy(components: ConnectProxyComponents, init: ConnectProxyInit): ConnectListener {
  const { clock, logger, hosts, contexts, server, sockets, account } = components

  function refuse(client: Socket, error: DamselflyError): void {
    const cancel = clock.after(REFUSAL_LINGER_MS, () => client.destroy())
    client.once('close', cancel)
    refuseConnect(client, error)
  }

  async function begin(request: IncomingMessage, client: Socket, head: Buffer): Promise<void> {
    const target = parseAuthority(request.url ?? '')
    const treatment = hosts.connect(target)
    if (treatment === 'refuse') {
      throw new DamselflyError('DENIED', `${formatAuthority(target)} is not listed in intercept.hosts or connect.allow`)
    }
    if (treatment === 'intercept' && contexts !== undefined) {
      const context = await contexts.get(target.host)
      if (client.destroyed) return
      establish(client, head)
      return server.accept(client, context, target, secure => account(secure ? 'intercepted' : 'untrusted'))
    }
    const upstream = await connected(components, target)
    sockets.add(upstream)
    if (client.destroyed) return void upstream.destroy()
    account('tunnelled')
    establish(client, head)
    tunnel(clock, client, upstream, init.tunnelIdleMs)
  }

  return (request, client, head) => {
    sockets.add(client)
    if (!(client instanceof Socket)) return void client.destroy()
    begin(request, client, head).catch(thrown => {
      const error = toDamselflyError(thrown)
      logger.debug({ error: thrown }, 'CONNECT refused')
      account(error.code === 'ORIGIN_UNREACHABLE' ? 'unreachable' : 'refused')
      refuse(client, error)
    })
  }
}

async function connected({ connect }: ConnectProxyComponents, target: Authority): Promise<Socket> {
  try {
    return await connect(target)
  } catch (error) {
    if (error instanceof OutboundRefusal) throw error
    const reason = `${formatAuthority(target)}: ${connectionReason(error)}`
    throw new DamselflyError('ORIGIN_UNREACHABLE', reason, { cause: error })
  }
}

/** Tells the client to go on. What it has sent already comes first in what is read from it. */
function establish(client: Socket, head: Buffer): void {
  client.write(ESTABLISHED)
  if (head.length > 0) client.unshift(head)
}
