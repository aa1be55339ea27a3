import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Agent, type Dispatcher } from 'undici'
import { createAgents } from '../../lib/origin/agents.ts'
import { connectionError } from '../../lib/origin/connection-error.ts'
import { createGuardedConnector } from '../../lib/origin/outbound/guarded-connector.ts'
import { placeOf } from '../../lib/origin/outbound/host-list.ts'
import { OutboundRefusal } from '../../lib/origin/outbound/outbound-refusal.ts'
import { decidePlace, type OutboundPolicy } from '../../lib/origin/outbound/policy.ts'
import type { TlsSettings } from '../../lib/origin/tls-settings.ts'
import { endToEndHeaders, type RawHeaders } from './proxied-headers.ts'
import type { ProxiedTarget } from './rules.ts'

/** Passes requests on to their servers, with nothing changed but what belongs to the connection. */
export interface Forwarder {
  /**
   * Sends a request on and its answer back. Redirects are the client's to follow. When the answer breaks off, so does the
   * client's connection.
   * @param headers end-to-end headers of the request, `Host` among them
   * @throws DamselflyError ORIGIN_UNREACHABLE, REQUEST_INVALID before the answer has begun; the signal's reason
   * @throws OutboundRefusal for a server that the outbound policy does not allow
   */
  forward(
    request: IncomingMessage,
    response: ServerResponse,
    target: ProxiedTarget,
    headers: RawHeaders,
    options: { signal: AbortSignal },
  ): Promise<void>
  /** Closes every connection; what is under way fails. */
  stop(): Promise<void>
}

export interface ForwarderInit {
  /** PEM certificates that are trusted besides the system's. */
  readonly caCertificates?: readonly string[] | undefined
  /** Settings for https to one `host[:port]`; the defaults when undefined. */
  readonly tlsFor?: ((host: string) => TlsSettings | undefined) | undefined
  /** Which hosts and networks may be connected to. Scheme and port are the client's, as far as the proxy lets it have them. */
  readonly outbound: OutboundPolicy
}

const CONNECT_TIMEOUT_MS = 5_000
/** A registry may take minutes to answer the end of a large upload. Clients have limits of their own. */
const SILENCE_MS = 300_000
const CONNECTIONS_PER_HOST = 128
const BODY_BUFFER_BYTES = 256 * 1024

/** A forwarder with connections of its own. HTTP/1.1 on both sides. */
export function createForwarder({ caCertificates, tlsFor, outbound }: ForwarderInit): Forwarder {
  const agents = (options: Agent.Options) =>
    createAgents(
      tls =>
        new Agent({
          allowH2: false,
          connections: CONNECTIONS_PER_HOST,
          headersTimeout: SILENCE_MS,
          bodyTimeout: SILENCE_MS,
          connect: createGuardedConnector(outbound, { ...tls, timeout: CONNECT_TIMEOUT_MS, allowH2: false }),
          ...options,
        }),
      caCertificates,
    )
  const reusing = agents({})
  // What can be sent once only never goes out on a kept connection, which the server may just be closing.
  const fresh = agents({ pipelining: 0 })

  function exchange(
    request: IncomingMessage,
    { origin, path }: ProxiedTarget,
    headers: RawHeaders,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { host, protocol } = new URL(origin)
    const tls = protocol === 'https:' ? tlsFor?.(host) : undefined
    return (isRepeatable(request) ? reusing : fresh).of(tls).request({
      origin,
      path,
      method: (request.method ?? 'GET') as Dispatcher.HttpMethod,
      headers: [...headers],
      // When undici gives the body up, it leaves the connection alone on which the answer goes back.
      body: hasBody(request) ? request : null,
      signal,
      responseHeaders: 'raw',
      highWaterMark: BODY_BUFFER_BYTES,
    })
  }

  return {
    async forward(request, response, target, headers, { signal }) {
      const decision = decidePlace(outbound, placeOf(new URL(target.origin)))
      if (!decision.allowed) throw new OutboundRefusal(decision.reason)
      try {
        const answer = await exchange(request, target, headers, signal).catch(error => {
          // A kept connection may have been closed by the server just as it was used. No answer has begun; ask again.
          if (signal.aborted || !isRepeatable(request) || !isConnectionLoss(error)) throw error
          return exchange(request, target, headers, signal)
        })
        await sendAnswer(request, response, answer)
      } catch (error) {
        signal.throwIfAborted()
        // Otherwise the pipeline has cut the client's connection.
        if (!response.headersSent) throw connectionError(new URL(target.origin), error)
      }
    },
    async stop() {
      await Promise.all([reusing.stop(), fresh.stop()])
    },
  }
}

async function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { statusCode, headers, body }: Dispatcher.ResponseData,
): Promise<void> {
  body.on('error', () => {})
  // With `responseHeaders: 'raw'` undici gives the headers as a list, which its types do not say.
  const kept = endToEndHeaders(headers as unknown as RawHeaders)
  response.sendDate = false
  try {
    // What is left of a request that was answered early goes with its connection.
    response.writeHead(statusCode, request.complete ? kept : [...kept, 'Connection', 'close'])
  } catch (error) {
    body.destroy()
    throw error
  }
  await pipeline(body, response)
}

function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length']
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) > 0)
}

function isRepeatable(request: IncomingMessage): boolean {
  return !hasBody(request) && (request.method === 'GET' || request.method === 'HEAD')
}

function isConnectionLoss(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE'
}
