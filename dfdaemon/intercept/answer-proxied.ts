import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Logger } from '../../lib/logger.ts'
import type { Digest } from '../../protocol/digest.ts'
import { toDamselflyError } from '../../protocol/errors.ts'
import type { Forwarder } from './forwarder.ts'
import { endToEndHeaders, hasCredentials, valuesOf, withHost, withoutCredentials } from './proxied-headers.ts'
import { refuseRequest } from './refusal.ts'
import { type CompiledRule, type Decision, decide, type ProxiedTarget } from './rules.ts'

/** Content that a client asked for and that shall come through the swarm. */
export interface ContentTarget {
  /** Absolute http or https URL. */
  readonly url: string
  /** What of the client's headers goes to the origin. */
  readonly headers: Readonly<Record<string, string>>
  /** Of a registry's blob; undefined for a plain file. */
  readonly digest: Digest | undefined
}

/**
 * Answers a `GET` through the swarm, ranges included. Rejects while no header has been written when the swarm cannot; the
 * request then goes to its server. Once the headers are out, it finishes or cuts the response by itself.
 */
export type AnswerContent = (
  request: IncomingMessage,
  response: ServerResponse,
  target: ContentTarget,
  options: { signal: AbortSignal },
) => Promise<void>

/** What became of a proxied request. */
export type RequestOutcome = 'swarm' | 'direct' | 'refused' | 'failed'

export interface AnswerProxiedComponents {
  readonly forwarder: Forwarder
  readonly answerContent: AnswerContent
  readonly rules: readonly CompiledRule[]
  readonly logger: Logger
}

/** Answers a request to a server that the client may reach: through the swarm, or from the server. Never rejects. */
export async function answerProxied(
  components: AnswerProxiedComponents,
  request: IncomingMessage,
  response: ServerResponse,
  asked: ProxiedTarget,
): Promise<RequestOutcome> {
  const { forwarder, rules, logger } = components
  const gone = new AbortController()
  response.once('close', () => gone.abort(new Error('the client hung up')))
  response.on('error', () => {})
  const { signal } = gone
  const decision = decide(request.method ?? '', asked, rules)
  const { target } = decision
  try {
    if (await answeredBySwarm(components, request, response, decision, signal)) return 'swarm'
    await forwarder.forward(request, response, target, forwardedHeaders(request, asked, decision), { signal })
    return 'direct'
  } catch (error) {
    logger.debug({ origin: target.origin, error }, 'proxied request failed')
    if (response.headersSent || signal.aborted) response.destroy()
    else refuseRequest(response, asked.path, toDamselflyError(error))
    return 'failed'
  }
}

function forwardedHeaders({ rawHeaders }: IncomingMessage, asked: ProxiedTarget, decision: Decision): string[] {
  const { origin } = decision.target
  const kept = endToEndHeaders(rawHeaders)
  const isNamed = origin === asked.origin && valuesOf(kept, 'host').length > 0
  const addressed = isNamed ? kept : withHost(kept, origin.replace(/^https?:\/\//, ''))
  return decision.withCredentials ? addressed : withoutCredentials(addressed)
}

/** Whether the answer came through the swarm. When it could not even begin, the server is asked instead. */
async function answeredBySwarm(
  { answerContent, logger }: AnswerProxiedComponents,
  request: IncomingMessage,
  response: ServerResponse,
  { via, target, digest, withCredentials }: Decision,
  signal: AbortSignal,
): Promise<boolean> {
  if (via !== 'swarm' || !isShareable(request, digest)) return false
  const headers = contentHeaders(request, digest, withCredentials)
  try {
    await answerContent(request, response, { url: `${target.origin}${target.path}`, headers, digest }, { signal })
    return true
  } catch (error) {
    signal.throwIfAborted()
    if (response.headersSent) throw error
    logger.debug({ origin: target.origin, error }, 'not through the swarm, asking the origin')
    return false
  }
}

/**
 * Whether the content may be somebody else's copy. A blob is what its digest says. A file that is asked for with credentials
 * may be one user's own (RFC 9111 §3.5), and conditions refer to a copy that only the origin can compare.
 */
function isShareable({ rawHeaders }: IncomingMessage, digest: Digest | undefined): boolean {
  const conditional = rawHeaders.some((name, index) => index % 2 === 0 && /^if-/i.test(name))
  const withBody = ['content-length', 'transfer-encoding'].some(name => valuesOf(rawHeaders, name).length > 0)
  return !conditional && !withBody && (digest !== undefined || !hasCredentials(rawHeaders))
}

function contentHeaders(
  { headers }: IncomingMessage,
  digest: Digest | undefined,
  withCredentials: boolean,
): Record<string, string> {
  const names = digest === undefined ? ['accept', 'user-agent'] : withCredentials ? ['authorization'] : []
  return Object.fromEntries(
    names.flatMap(name => {
      const value = headers[name]
      return typeof value === 'string' && value !== '' ? [[name, value]] : []
    }),
  )
}
