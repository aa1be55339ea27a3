import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { join } from 'node:path'
import type { Clock } from '../../lib/clock.ts'
import type { ConnectionGuard } from '../../lib/http/protection/connection-guard.ts'
import { createStartable, type Startable } from '../../lib/lifecycle.ts'
import type { Logger } from '../../lib/logger.ts'
import type { MetricsOf } from '../../lib/metrics.ts'
import { DamselflyError, toDamselflyError } from '../../protocol/errors.ts'
import { type AnswerContent, answerProxied } from './answer-proxied.ts'
import type { InterceptConfig } from './config.ts'
import { type ConnectListener, createConnectProxy } from './connect-proxy.ts'
import { createConnectTo } from './connect-to.ts'
import { createForwarder, type Forwarder, type ForwarderInit } from './forwarder.ts'
import { createInterceptedServer } from './intercepted-server.ts'
import type { INTERCEPT_METRICS } from './metrics.ts'
import { createOwnedSockets } from './owned-sockets.ts'
import { interceptAbsoluteForm } from './plain-proxy.ts'
import { interceptedTarget, parsePlainTarget, plainTarget } from './proxied-request.ts'
import { createReachableHosts } from './reachable-hosts.ts'
import { refuseRequest } from './refusal.ts'
import { compileRules, type ProxiedTarget, redirectPlaces } from './rules.ts'
import { createServerContexts, type ServerContexts } from './server-contexts.ts'

export interface InterceptorComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: MetricsOf<typeof INTERCEPT_METRICS>
  readonly answerContent: AnswerContent
  /** Of the server that clients reach as their proxy. */
  readonly protection: Pick<ConnectionGuard, 'serverOptions' | 'watch' | 'begin' | 'keep'>
}

export interface InterceptorInit extends ForwarderInit {
  readonly config: InterceptConfig
  /** Data directory of the daemon; the certificate authority lives in `intercept` below it. */
  readonly dataDir: string
  /** After how long without a byte a tunnel is closed. */
  readonly tunnelIdleMs?: number | undefined
}

/** The proxy for `HTTP_PROXY` and `HTTPS_PROXY` (contracts §2.3). */
export interface Interceptor extends Startable {
  /**
   * Names the server that clients reach as their proxy. Called before `start()`, when the server has its request listeners.
   * The interceptor has to stop before that server does, because a server waits for the end of connections that it has given away.
   */
  attach(server: Server): void
}

/** Longer than clients and servers wait with a silent connection, so that it is they who end it. */
const TUNNEL_IDLE_MS = 900_000

/** Puts the proxy together. Where it is not enabled it does nothing. @throws DamselflyError CONFIG_INVALID */
export function createInterceptor(components: InterceptorComponents, init: InterceptorInit): Interceptor {
  const { clock, logger, metrics, answerContent, protection } = components
  const { config, dataDir, tunnelIdleMs = TUNNEL_IDLE_MS } = init
  const hosts = createReachableHosts(config)
  const rules = compileRules(config.rules)
  const named = [...init.outbound.named, ...hosts.named, ...redirectPlaces(rules)]
  const outbound = { ...init.outbound, named }
  let attached: Server | undefined
  let end = async (): Promise<void> => {}

  /** A certificate authority is made and the library for it loaded (24 MB) only where a host is intercepted. */
  async function openContexts(): Promise<ServerContexts | undefined> {
    if (hosts.intercepted.length === 0) return undefined
    const { openCertificateAuthority } = await import('./certificate-authority.ts')
    const names = [...new Set(hosts.intercepted.map(({ name }) => name))]
    const settings = { directory: join(dataDir, 'intercept'), hosts: names, renew: config.renewCa }
    return createServerContexts(await openCertificateAuthority({ clock, logger }, settings), clock)
  }

  /** Answers once what the request asks for is understood; it is refused otherwise. */
  function answer(
    forwarder: Forwarder,
    request: IncomingMessage,
    response: ServerResponse,
    readTarget: () => ProxiedTarget,
  ): void {
    let target: ProxiedTarget
    try {
      target = readTarget()
      requireNoUpgrade(request)
    } catch (thrown) {
      const error = toDamselflyError(thrown)
      metrics.proxyRequests.inc({ outcome: 'refused' })
      refuseRequest(response, request.url ?? '', error, error.code === 'UNSUPPORTED' ? 501 : undefined)
      return
    }
    answerProxied({ forwarder, answerContent, rules, logger }, request, response, target)
      .then(outcome => metrics.proxyRequests.inc({ outcome }))
      .catch(error => logger.error({ error }, 'a proxied request was not answered'))
  }

  async function start(): Promise<void> {
    if (attached === undefined) throw new Error('the interceptor is attached to no server')
    const contexts = await openContexts()
    const daemon = attached
    const lifetime = new AbortController()
    const sockets = createOwnedSockets()
    const forwarder = createForwarder({ ...init, outbound })
    const server = createInterceptedServer({ clock, logger, sockets, protection }, (request, response, authority) =>
      answer(forwarder, request, response, () => interceptedTarget(request, authority)),
    )
    const connectProxy = createConnectProxy(
      {
        ...{ clock, logger, hosts, contexts, server, sockets },
        connect: createConnectTo(outbound, { signal: lifetime.signal }),
        account: outcome => metrics.proxyConnections.inc({ outcome }),
      },
      { tunnelIdleMs },
    )
    const onConnect: ConnectListener = (request, client, head) => {
      protection.keep(client)
      connectProxy(request, client, head)
    }
    const restoreRequests = interceptAbsoluteForm(daemon, (request, response) => {
      protection.begin(request, response)
      answer(forwarder, request, response, () => {
        if (!hosts.allowsPlain(parsePlainTarget(request.url ?? '').authority)) throw new DamselflyError('DENIED')
        return plainTarget(request)
      })
    })
    daemon.on('connect', onConnect)

    end = async () => {
      daemon.off('connect', onConnect)
      restoreRequests()
      lifetime.abort(new Error('the proxy has stopped'))
      sockets.destroyAll()
      server.stop()
      await forwarder.stop()
    }
  }

  if (!config.enabled) return { attach() {}, async start() {}, async stop() {} }
  return {
    ...createStartable(start, () => end()),
    attach(server) {
      attached = server
    },
  }
}

/** What a connection is upgraded to could not be passed on. `h2c` is an offer that a server may leave alone. */
function requireNoUpgrade({ headers }: IncomingMessage): void {
  const { upgrade } = headers
  if (upgrade === undefined || upgrade.toLowerCase() === 'h2c') return
  throw new DamselflyError(
    'UNSUPPORTED',
    'the proxy passes no upgrades on, such as WebSocket; do not intercept this host',
  )
}
