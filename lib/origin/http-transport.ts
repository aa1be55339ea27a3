import type { Readable } from 'node:stream'
import { Agent, type buildConnector, type Dispatcher, EnvHttpProxyAgent } from 'undici'
import { type Clock, systemClock } from '../clock.ts'
import { withSignal } from '../with-signal.ts'
import { createAgents } from './agents.ts'
import { connectionError } from './connection-error.ts'
import { boundedResponses } from './outbound/bounded-responses.ts'
import { createGuardedConnector, type Resolve } from './outbound/guarded-connector.ts'
import type { OutboundPolicy } from './outbound/policy.ts'
import { findProxies } from './proxy.ts'
import type { TlsSettings } from './tls-settings.ts'

/** One HTTP exchange, without redirects or authentication. */
export interface TransportRequest {
  readonly url: URL
  /** POST is for token services. */
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Lower-case names. The `Host` header is always that of the URL. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What came back. Whoever receives it reads the body or destroys it. */
export interface TransportResponse {
  readonly status: number
  /** Lower-case names; repeated headers are joined by commas, `set-cookie` is left out. */
  readonly headers: Readonly<Record<string, string>>
  /** Fails when the origin does not send as many bytes as it said, stalls, or the signal aborts. */
  readonly body: Readable
}

/** Sends HTTP requests over pooled connections. */
export interface HttpTransport {
  /**
   * @throws DamselflyError ORIGIN_UNREACHABLE, REQUEST_INVALID
   * @throws DamselflyError ORIGIN_FAILED for an answer over the policy's bounds; the body then fails with a `ResponseBoundError`
   * @throws OutboundRefusal for an address that the policy does not allow
   * @throws the signal's reason when it aborts
   */
  send(request: TransportRequest): Promise<TransportResponse>
  /** Closes every connection; open bodies fail. */
  stop(): Promise<void>
}

/** Settings of the transport. */
export interface HttpTransportInit {
  readonly connectTimeoutMs?: number | undefined
  /** From the request to the end of the response headers. */
  readonly headersTimeoutMs?: number | undefined
  /** Longest silence inside a body while its reader is waiting. */
  readonly bodyIdleTimeoutMs?: number | undefined
  /** Connections to one host; further requests wait for one of them. */
  readonly connectionsPerHost?: number | undefined
  /** PEM certificates that are trusted besides the system's. */
  readonly caCertificates?: readonly string[] | undefined
  /**
   * Settings for connections to one `host[:port]` as it stands in a URL; the defaults when undefined. They come from the
   * operator's configuration, never from a peer or requester.
   */
  readonly tlsFor?: ((host: string) => TlsSettings | undefined) | undefined
  /** What may be connected to, looked at after name resolution, and how much answer is taken. */
  readonly outbound: OutboundPolicy
  /**
   * Whether requests go through a proxy: one for all by its URL, or what the environment names (`http_proxy`, `https_proxy`,
   * `no_proxy`). The proxy resolves names then, so that addresses are its own business.
   */
  readonly proxy?: { readonly url?: string | undefined } | undefined
  /** Sent as `Via` with every request, for whoever has to know its own requests again (RFC 9110 §7.6.3). */
  readonly via?: string | undefined
}

const CONNECT_TIMEOUT_MS = 5_000
const HEADERS_TIMEOUT_MS = 30_000
const BODY_IDLE_TIMEOUT_MS = 30_000
const CONNECTIONS_PER_HOST = 128
const BODY_BUFFER_BYTES = 256 * 1024
const HEADER_BYTES_MAX = 32 * 1024

/** What a transport works with: the machine's clock and resolver, unless others are given. */
export interface HttpTransportComponents {
  readonly clock?: Clock | undefined
  readonly resolve?: Resolve | undefined
}

/**
 * A transport on undici. HTTP/1.1 only: one flow per connection, and registries' HTTP/2 resets cannot be resumed from.
 * @throws DamselflyError CONFIG_INVALID for a proxy that is none
 */
export function createHttpTransport(
  { clock = systemClock, resolve }: HttpTransportComponents,
  init: HttpTransportInit,
): HttpTransport {
  const { outbound, connectTimeoutMs = CONNECT_TIMEOUT_MS, headersTimeoutMs = HEADERS_TIMEOUT_MS } = init
  const bounded = boundedResponses(clock, { ...outbound, headersTimeoutMs })
  const agents = createAgents(
    tls =>
      createDispatcher(init, tls, {
        allowH2: false,
        connections: init.connectionsPerHost ?? CONNECTIONS_PER_HOST,
        maxHeaderSize: HEADER_BYTES_MAX,
        headersTimeout: headersTimeoutMs,
        bodyTimeout: init.bodyIdleTimeoutMs ?? BODY_IDLE_TIMEOUT_MS,
        connect: createGuardedConnector(outbound, { ...tls, timeout: connectTimeoutMs, allowH2: false }, resolve),
      }).compose(bounded),
    init.caCertificates,
  )

  async function exchange({ url, method, headers, body, signal }: TransportRequest): Promise<TransportResponse> {
    const tls = url.protocol === 'https:' ? init.tlsFor?.(url.host) : undefined
    const answer = agents.of(tls).request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers: { ...headers, ...(init.via === undefined ? {} : { via: init.via }) },
      highWaterMark: BODY_BUFFER_BYTES,
      // By default undici gives up the connection after a HEAD, for servers that send a body nevertheless. Such a body does harm to
      // nobody: what comes when nothing is due ends the connection.
      reset: false,
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
    // undici ends a request that still waits for its connection only when that has come or failed.
    const response = await withSignal(answer.then(fearless), signal)
    return { status: response.statusCode, headers: plainHeaders(response.headers), body: response.body }
  }

  return {
    async send(request) {
      try {
        return await exchange(request).catch(error => {
          // An idle connection may have been closed by the server just as we used it. No answer has begun; ask again.
          if (request.signal?.aborted || !isConnectionLoss(error)) throw error
          return exchange(request)
        })
      } catch (error) {
        if (request.signal?.aborted) throw request.signal.reason
        throw connectionError(request.url, error)
      }
    },
    stop: () => agents.stop(),
  }
}

/** A body that is destroyed, or fails before anybody reads it, must not bring the process down. */
function fearless(response: Dispatcher.ResponseData): Dispatcher.ResponseData {
  response.body.on('error', () => {})
  return response
}

function createDispatcher(
  { proxy, connectTimeoutMs = CONNECT_TIMEOUT_MS }: HttpTransportInit,
  tls: buildConnector.BuildOptions,
  options: Agent.Options,
): Dispatcher {
  if (proxy === undefined) return new Agent(options)
  const proxies = findProxies(proxy.url, process.env)
  return new EnvHttpProxyAgent({ ...options, ...proxies, requestTls: tls, connectTimeout: connectTimeoutMs })
}

function isConnectionLoss(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}

function plainHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const plain: [string, string][] = []
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name === 'set-cookie') continue
    plain.push([name, Array.isArray(value) ? value.join(', ') : value])
  }
  return Object.fromEntries(plain)
}
