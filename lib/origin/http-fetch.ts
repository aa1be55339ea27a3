import type { Readable } from 'node:stream'
import { type Clock, systemClock } from '../clock.ts'
import type { Startable } from '../lifecycle.ts'
import type { Logger } from '../logger.ts'
import { bodyOf, discard, readBeginning } from './bounded-body.ts'
import { type RegistryCredentials, usableCredentials } from './credentials/registry-credentials.ts'
import {
  createHttpTransport,
  type HttpTransport,
  type HttpTransportInit,
  type TransportRequest,
  type TransportResponse,
} from './http-transport.ts'
import { parseHttpUrl, redactUrl } from './http-url.ts'
import { ORIGIN_BODY_LIMIT_BYTES, OriginError } from './origin-error.ts'
import type { Resolve } from './outbound/guarded-connector.ts'
import { OutboundRefusal } from './outbound/outbound-refusal.ts'
import { decideUrl } from './outbound/policy.ts'
import { createRegistryAuth } from './registry-auth.ts'
import { crossOriginHeaders, type HeaderRecord, upstreamHeaders } from './request-headers.ts'
import { pause, secondTryAfterMs } from './second-try.ts'

/** A request to a registry or any other HTTP server. */
export interface UpstreamRequest {
  /** Absolute http or https URL. */
  readonly url: string
  readonly method: 'GET' | 'HEAD'
  /** The requester's headers, in any case; its `Authorization` and `Cookie` go to the URL's own origin only. */
  readonly headers: HeaderRecord
  /**
   * Our own account at the URL's registry, for a challenge of that very origin. A requester that sent an `Authorization`
   * speaks for itself: then it is not used.
   */
  readonly credentials?: RegistryCredentials | undefined
  readonly signal?: AbortSignal | undefined
  /** Which redirects to follow, all by default. `same-origin` hands a redirect to elsewhere back as it is. */
  readonly redirect?: 'follow' | 'same-origin' | undefined
}

/** The final answer. Whoever receives it reads the body to its end or destroys it. */
export interface UpstreamResponse {
  /** The URL that gave it, after redirects. */
  readonly url: string
  readonly status: number
  /** Lower-case names; repeated headers are joined by commas, `set-cookie` is left out. */
  readonly headers: HeaderRecord
  readonly body: Readable
}

/** Sends requests upstream, with the authentication of registries and redirects (contracts §0 rule 11, §1). */
export interface UpstreamFetcher extends Startable {
  /**
   * Any final status is an answer, also 401 and 5xx; a 5xx, and a 429 that asks for a short wait, only after a second try.
   * @throws DamselflyError ORIGIN_UNREACHABLE (no answer), REQUEST_INVALID (URL or headers)
   * @throws OutboundRefusal for a URL, redirect, token service or address that the outbound policy does not allow
   * @throws OriginError ORIGIN_FAILED for a redirect that cannot be followed, or an answer over the policy's bounds
   * @throws the signal's reason when it aborts
   */
  fetch(request: UpstreamRequest): Promise<UpstreamResponse>
}

/** Settings of the fetcher. Every request, redirect and token service is held against `outbound`. */
export type UpstreamFetcherInit = HttpTransportInit

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308])
const REDIRECTS_MAX = 5
/** An anonymous try, a cached token that is no longer accepted, a new token. */
const AUTH_TRIES_MAX = 3

/** What a fetcher works with. The transport is made from the settings unless one is given; `stop()` ends either. */
export interface UpstreamFetcherComponents {
  readonly logger: Logger
  readonly clock?: Clock
  readonly transport?: HttpTransport
  /** Resolves names for the transport that is made. */
  readonly resolve?: Resolve
}

/** A fetcher with connections and a token cache of its own. `stop()` ends both and fails what is still open. */
export function createUpstreamFetcher(
  components: UpstreamFetcherComponents,
  init: UpstreamFetcherInit,
): UpstreamFetcher {
  const { logger, clock = systemClock, resolve } = components
  const transport = components.transport ?? createHttpTransport({ clock, resolve }, init)
  const auth = createRegistryAuth({ transport, clock, logger, checkUrl })

  function checkUrl(url: URL): void {
    const decision = decideUrl(init.outbound, url)
    if (!decision.allowed) throw new OutboundRefusal(decision.reason)
  }

  /** One request, and a second where the first met a hiccup. */
  async function send(request: TransportRequest): Promise<TransportResponse> {
    const response = await transport.send(request)
    const pauseMs = secondTryAfterMs(response)
    if (pauseMs === undefined) return response
    discard(response.body)
    await pause(clock, pauseMs, request.signal)
    return transport.send(request)
  }

  /** One URL, with the registry's authentication if the requester has no `Authorization` of its own here. */
  async function fetchOnce(url: URL, request: UpstreamRequest, headers: HeaderRecord): Promise<TransportResponse> {
    checkUrl(url)
    const { method, credentials, signal } = request
    if (headers.authorization !== undefined) return send({ url, method, headers, signal })

    let authorization = auth.known(url, credentials)
    let fresh = false
    for (let tries = 1; ; tries++) {
      const sent = authorization === undefined ? headers : { ...headers, authorization }
      const response = await send({ url, method, headers: sent, signal })
      if (response.status !== 401 || fresh || tries === AUTH_TRIES_MAX) return response

      const refusal = await detached(response)
      const options = { credentials, rejected: authorization, signal }
      const answer = await auth.answer(url, refusal.headers['www-authenticate'], options)
      if (answer.kind === 'none') return refusal
      if (answer.kind === 'failed') return answer.response
      authorization = answer.value
      fresh = answer.fresh
    }
  }

  async function follow(asked: UpstreamRequest, start: URL): Promise<{ response: UpstreamResponse; hops: number }> {
    let url = start
    let request = { ...asked, credentials: usableCredentials(asked.credentials) }
    let headers = upstreamHeaders(request.headers)
    for (let hops = 0; ; hops++) {
      const response = { ...(await fetchOnce(url, request, headers)), url: url.href }
      logger.debug({ url: redactUrl(url), method: request.method, status: response.status }, 'upstream answered')
      const { location } = response.headers
      if (!REDIRECT_STATUSES.has(response.status) || location === undefined) return { response, hops }

      const target = redirectTarget(url, location, response.status)
      if (target.origin !== url.origin && request.redirect === 'same-origin') return { response, hops }
      discard(response.body)
      if (hops === REDIRECTS_MAX) throw failedRedirect(url, response.status, `more than ${REDIRECTS_MAX} redirects`)
      // Once dropped, credentials stay dropped, even if a later redirect leads back.
      if (target.origin !== url.origin) {
        headers = crossOriginHeaders(headers)
        request = { ...request, credentials: undefined }
      }
      url = target
    }
  }

  return {
    async start() {},
    stop: () => transport.stop(),
    async fetch(request) {
      const url = parseHttpUrl(request.url)
      const first = await follow(request, url)
      // The presigned URL behind a redirect has expired; the registry makes a new one.
      if (first.hops === 0 || first.response.status !== 403) return first.response
      discard(first.response.body)
      return (await follow(request, url)).response
    },
  }
}

function redirectTarget(from: URL, location: string, status: number): URL {
  if (!URL.canParse(location, from.href)) throw failedRedirect(from, status, 'a redirect to a malformed URL')
  const target = new URL(location, from.href)
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    throw failedRedirect(from, status, 'a redirect to something other than http or https')
  }
  if (from.protocol === 'https:' && target.protocol === 'http:') {
    throw failedRedirect(from, status, 'a redirect from https to http, which is refused')
  }
  return target
}

function failedRedirect(url: URL, status: number, what: string): OriginError {
  return new OriginError('ORIGIN_FAILED', `${url.host} answered ${status}: ${what}`, { originStatus: status })
}

/** The response with its body in memory, so that the connection is free while a token is fetched. */
async function detached(response: TransportResponse): Promise<TransportResponse> {
  return { ...response, body: bodyOf(await readBeginning(response.body, ORIGIN_BODY_LIMIT_BYTES)) }
}
