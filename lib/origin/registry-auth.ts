import { LRUCache } from 'lru-cache'
import { type BearerChallenge, bearerChallenge } from '../../protocol/challenge.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { HttpTransport, TransportResponse } from './http-transport.ts'
import { redactUrl } from './http-url.ts'
import { requestToken, type Token, type TokenAnswer } from './token-service.ts'

/** How to go on after a 401. */
export type AuthAnswer =
  /** Ask again with this `Authorization`. `fresh` tells that it was made for this very challenge, so a second 401 is final. */
  | { readonly kind: 'authorization'; readonly value: string; readonly fresh: boolean }
  /** Nothing more can be done: the 401 stands. */
  | { readonly kind: 'none' }
  /** The token service is overloaded or broken; its answer stands for the registry's. */
  | { readonly kind: 'failed'; readonly response: TransportResponse }

/** Anonymous access to registries that want a token from everybody (contracts §1, §4.6). */
export interface RegistryAuth {
  /** The `Authorization` that this part of a registry accepted before, which saves the 401. */
  known(url: URL): string | undefined
  /**
   * Answers a registry's 401.
   * @param rejected the `Authorization` that the request carried
   * @throws DamselflyError ORIGIN_UNREACHABLE when the token service cannot be reached; the signal's reason
   */
  answer(url: URL, header: string | undefined, rejected?: string, signal?: AbortSignal): Promise<AuthAnswer>
}

/** What the token flow works with. */
export interface RegistryAuthComponents {
  readonly transport: HttpTransport
  readonly clock: Clock
  readonly logger: Logger
  /** Whether a token service may be asked; throws the reason if not. */
  readonly checkUrl?: (url: URL) => void
}

const TOKENS_MAX = 1_000
const SPACES_MAX = 10_000

/** The token flow with a bounded cache. Requests that need the same token at the same time share one token request. */
export function createRegistryAuth(components: RegistryAuthComponents): RegistryAuth {
  const { clock, logger, checkUrl } = components
  const tokens = new LRUCache<string, Token>({ max: TOKENS_MAX })
  const spaces = new LRUCache<string, string>({ max: SPACES_MAX })
  const flights = new Map<string, Promise<TokenAnswer>>()

  function cached(key: string): string | undefined {
    const token = tokens.get(key)
    return token === undefined || token.expiresAt <= clock.now() ? undefined : `Bearer ${token.value}`
  }

  /** Not tied to one requester's signal: others may be waiting for the same token. The transport's timeouts end it. */
  function fetchToken(key: string, realm: URL, challenge: BearerChallenge): Promise<TokenAnswer> {
    const flying = flights.get(key)
    if (flying !== undefined) return flying
    const flight = requestToken(components, realm, challenge)
      .then(answer => {
        if ('token' in answer) tokens.set(key, answer.token)
        return answer
      })
      .finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }

  return {
    known(url) {
      const key = spaces.get(spaceOf(url))
      return key === undefined ? undefined : cached(key)
    },

    async answer(url, header, rejected, signal) {
      const challenge = bearerChallenge(header)
      const realm = challenge === undefined ? undefined : acceptedRealm(url, challenge.realm)
      if (challenge === undefined || realm === undefined) {
        logger.debug({ url: redactUrl(url) }, 'registry wants an authentication that is not possible anonymously')
        return { kind: 'none' }
      }
      checkUrl?.(realm)

      const key = JSON.stringify([realm.href, challenge.service, challenge.scope])
      spaces.set(spaceOf(url), key)
      const ready = cached(key)
      if (ready !== undefined && ready !== rejected) return { kind: 'authorization', value: ready, fresh: false }
      if (ready !== undefined) tokens.delete(key)

      const answer = await withSignal(fetchToken(key, realm, challenge), signal)
      if ('token' in answer) return { kind: 'authorization', value: `Bearer ${answer.token.value}`, fresh: true }
      const { status } = answer.refusal
      logger.debug({ realm: redactUrl(realm), status }, 'token service gave no token')
      return status === 429 || status >= 500 ? { kind: 'failed', response: answer.refusal } : { kind: 'none' }
    },
  }
}

/** The realm as a URL, unless it is not http(s) or would take an https registry's clients off https. */
function acceptedRealm(registry: URL, text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const realm = new URL(text)
  realm.username = ''
  realm.password = ''
  realm.hash = ''
  if (realm.protocol === 'https:') return realm
  return realm.protocol === 'http:' && registry.protocol === 'http:' ? realm : undefined
}

/** The part of a registry to which one scope gives access: a repository, or the very URL if it names none. */
function spaceOf(url: URL): string {
  const repository = /^\/v2\/.+\/(?=(?:blobs|manifests|tags|referrers)\/)/.exec(url.pathname)
  return `${url.origin}${repository?.[0] ?? url.pathname}`
}

async function withSignal<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(signal.reason)
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
