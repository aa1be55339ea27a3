import { LRUCache } from 'lru-cache'
import { type BearerChallenge, bearerChallenge, parseChallenges } from '../../protocol/challenge.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { withSignal } from '../with-signal.ts'
import { basicAuthorization, credentialsKey, type RegistryCredentials } from './credentials/registry-credentials.ts'
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

/** What a 401 is answered with. */
export interface AuthOptions {
  /** Our own account at this registry; anonymous without. */
  readonly credentials?: RegistryCredentials | undefined
  /** The `Authorization` that the refused request carried. */
  readonly rejected?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Access to registries, with an account of our own or as anybody may have it (contracts §1, §4.6). */
export interface RegistryAuth {
  /** The `Authorization` that this part of a registry accepted from this account before, which saves the 401. */
  known(url: URL, credentials?: RegistryCredentials): string | undefined
  /**
   * Answers a registry's 401.
   * @param header its `WWW-Authenticate`
   * @throws DamselflyError ORIGIN_UNREACHABLE when the token service cannot be reached; the signal's reason
   */
  answer(url: URL, header: string | undefined, options?: AuthOptions): Promise<AuthAnswer>
}

/** What the token flow works with. */
export interface RegistryAuthComponents {
  readonly transport: HttpTransport
  readonly clock: Clock
  readonly logger: Logger
  /** Whether a token service may be asked; throws the reason if not. */
  readonly checkUrl: (url: URL) => void
}

const TOKENS_MAX = 1_000
const SPACES_MAX = 10_000
const BASICS_MAX = 1_000

/** Where and how the token for a part of a registry is got. */
interface TokenPlan {
  readonly realm: URL
  readonly challenge: BearerChallenge
}

/**
 * Both schemes, with bounded caches. Whatever is remembered is remembered for one account at one registry, so that nobody
 * gets to use another account's access. Requests that need the same token at the same time share one token request.
 */
export function createRegistryAuth(components: RegistryAuthComponents): RegistryAuth {
  const { clock, logger, checkUrl } = components
  const tokens = new LRUCache<string, Token>({ max: TOKENS_MAX })
  const plans = new LRUCache<string, TokenPlan>({ max: SPACES_MAX })
  const basics = new LRUCache<string, true>({ max: BASICS_MAX })
  const flights = new Map<string, Promise<TokenAnswer>>()

  function cached(key: string): string | undefined {
    const token = tokens.get(key)
    return token === undefined || token.expiresAt <= clock.now() ? undefined : `Bearer ${token.value}`
  }

  /** Not tied to one requester's signal: others may be waiting for the same token. The transport's timeouts end it. */
  function fetchToken(key: string, plan: TokenPlan, credentials?: RegistryCredentials): Promise<TokenAnswer> {
    const flying = flights.get(key)
    if (flying !== undefined) return flying
    const flight = requestToken(components, { ...plan, credentials })
      .then(answer => {
        if ('token' in answer) tokens.set(key, answer.token)
        return answer
      })
      .finally(() => flights.delete(key))
    flights.set(key, flight)
    return flight
  }

  async function answerBearer(url: URL, plan: TokenPlan, options: AuthOptions): Promise<AuthAnswer> {
    const { credentials, rejected, signal } = options
    const { realm } = plan
    checkUrl(realm)
    plans.set(spaceKey(url, credentials), plan)

    const key = tokenKey(url, plan, credentials)
    const ready = cached(key)
    if (ready !== undefined && ready !== rejected) return { kind: 'authorization', value: ready, fresh: false }
    if (ready !== undefined) tokens.delete(key)

    const answer = await withSignal(fetchToken(key, plan, credentials), signal)
    if ('token' in answer) return { kind: 'authorization', value: `Bearer ${answer.token.value}`, fresh: true }
    const { status } = answer.refusal
    logger.debug({ realm: redactUrl(realm), status }, 'token service gave no token')
    return status === 429 || status >= 500 ? { kind: 'failed', response: answer.refusal } : { kind: 'none' }
  }

  function answerBasic(url: URL, { credentials, rejected }: AuthOptions): AuthAnswer | undefined {
    if (credentials === undefined || 'identityToken' in credentials) return undefined
    const key = originKey(url, credentials)
    const value = basicAuthorization(credentials)
    if (rejected === value) {
      basics.delete(key)
      return undefined
    }
    basics.set(key, true)
    return { kind: 'authorization', value, fresh: true }
  }

  return {
    known(url, credentials) {
      const plan = plans.get(spaceKey(url, credentials))
      const token = plan === undefined ? undefined : cached(tokenKey(url, plan, credentials))
      if (token !== undefined) return token
      if (credentials === undefined || 'identityToken' in credentials) return undefined
      return basics.has(originKey(url, credentials)) ? basicAuthorization(credentials) : undefined
    },

    async answer(url, header, options = {}) {
      const { credentials, rejected } = options
      const challenges = parseChallenges(header) ?? []
      // Harbor answers a token that it no longer accepts with a Basic challenge (contracts §4.6).
      const renewed = rejected?.startsWith('Bearer ') === true ? plans.get(spaceKey(url, credentials)) : undefined
      const plan = challenges.some(({ scheme }) => scheme === 'bearer') ? tokenPlan(url, header) : renewed
      if (plan !== undefined) return answerBearer(url, plan, options)
      const isBasic = challenges.some(({ scheme }) => scheme === 'basic')
      const basic = isBasic ? answerBasic(url, options) : undefined
      if (basic !== undefined) return basic
      logger.debug({ url: redactUrl(url) }, 'registry wants an authentication that is not possible here')
      return { kind: 'none' }
    },
  }
}

/** The Bearer challenge, unless its realm is not http(s) or would take an https registry's clients off https. */
function tokenPlan(registry: URL, header: string | undefined): TokenPlan | undefined {
  const challenge = bearerChallenge(header)
  if (challenge === undefined || !URL.canParse(challenge.realm)) return undefined
  const realm = new URL(challenge.realm)
  realm.username = ''
  realm.password = ''
  realm.hash = ''
  const isAccepted = realm.protocol === 'https:' || (realm.protocol === 'http:' && registry.protocol === 'http:')
  return isAccepted ? { realm, challenge } : undefined
}

function tokenKey(url: URL, { realm, challenge }: TokenPlan, credentials: RegistryCredentials | undefined): string {
  return JSON.stringify([originKey(url, credentials), realm.href, challenge.service, challenge.scope])
}

function originKey(url: URL, credentials: RegistryCredentials | undefined): string {
  return `${credentialsKey(credentials)} ${url.origin}`
}

/** The part of a registry to which one scope gives access: a repository, or the very URL if it names none. */
function spaceKey(url: URL, credentials: RegistryCredentials | undefined): string {
  const repository = /^\/(?:.+\/)?v2\/.+\/(?=(?:blobs|manifests|tags|referrers)\/)/.exec(url.pathname)
  return `${originKey(url, credentials)}${repository?.[0] ?? url.pathname}`
}
