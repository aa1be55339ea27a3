import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { BearerChallenge } from '../../protocol/challenge.ts'
import type { Clock } from '../clock.ts'
import { bodyOf, readBeginning } from './bounded-body.ts'
import { basicAuthorization, type RegistryCredentials } from './credentials/registry-credentials.ts'
import type { HttpTransport, TransportResponse } from './http-transport.ts'

/** A bearer token. `expiresAt` is on the clock's monotonic scale and already leaves room for the request it is used in. */
export interface Token {
  readonly value: string
  readonly expiresAt: number
}

/** What a token service answered: a token, or the response with which it refused. */
export type TokenAnswer = { readonly token: Token } | { readonly refusal: TransportResponse }

/** What a token is asked of and for. */
export interface TokenRequest {
  readonly realm: URL
  readonly challenge: BearerChallenge
  /** Our own account, for the token service only; anonymous without. A requester's `Authorization` never goes there. */
  readonly credentials?: RegistryCredentials | undefined
}

const TokenResponse = Type.Object({
  token: Type.Optional(Type.String()),
  access_token: Type.Optional(Type.String()),
  expires_in: Type.Optional(Type.Number()),
})

const CLIENT_ID = 'damselfly'
const RESPONSE_LIMIT_BYTES = 256 * 1024
const RESPONSE_DEADLINE_MS = 10_000
/** What the specification says when the service does not. */
const DEFAULT_LIFETIME_S = 60
const MARGIN_MAX_S = 10
/** Longer lives are not believed: whoever says so may have meant another unit. */
const LIFETIME_MAX_S = 86_400

/** Refusals of GET after which a password may be good for POST: services that take it there only. */
const POST_AFTER = new Set([401, 403, 405])
/** Answers that say that there is no POST. */
const NO_POST = new Set([400, 404, 405])

interface TokenComponents {
  readonly transport: HttpTransport
  readonly clock: Clock
}

/**
 * Asks a token service for a token (distribution token authentication specification): by GET, with Basic for a password;
 * by POST (its OAuth2 variant) for an identity token, and for a password that GET did not take. Redirects are not followed.
 * @throws DamselflyError ORIGIN_UNREACHABLE
 */
export async function requestToken(components: TokenComponents, request: TokenRequest): Promise<TokenAnswer> {
  const { credentials } = request
  if (credentials === undefined) return get(components, request)
  if ('identityToken' in credentials) {
    return withoutBody(
      await post(components, request, { grant_type: 'refresh_token', refresh_token: credentials.identityToken }),
    )
  }
  const got = await get(components, request, basicAuthorization(credentials))
  if ('token' in got || !POST_AFTER.has(got.refusal.status)) return withoutBody(got)
  const { username, password } = credentials
  const posted = await post(components, request, {
    grant_type: 'password',
    access_type: 'offline',
    username,
    password,
  })
  return withoutBody('refusal' in posted && NO_POST.has(posted.refusal.status) ? got : posted)
}

async function get(
  components: TokenComponents,
  { realm, challenge }: TokenRequest,
  authorization?: string,
): Promise<TokenAnswer> {
  const url = new URL(realm)
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service)
  for (const scope of scopesOf(challenge)) url.searchParams.append('scope', scope)
  return exchange(components, { url, method: 'GET', headers: authorization === undefined ? {} : { authorization } })
}

/** The scopes are one parameter here, as OAuth2 has it (RFC 6749 §3.3). */
async function post(
  components: TokenComponents,
  { realm, challenge }: TokenRequest,
  grant: Record<string, string>,
): Promise<TokenAnswer> {
  const form = new URLSearchParams({ ...grant, client_id: CLIENT_ID })
  if (challenge.service !== undefined) form.set('service', challenge.service)
  const scopes = scopesOf(challenge)
  if (scopes.length > 0) form.set('scope', scopes.join(' '))
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return exchange(components, { url: realm, method: 'POST', headers, body: form.toString() })
}

async function exchange(
  { transport, clock }: TokenComponents,
  request: Parameters<HttpTransport['send']>[0],
): Promise<TokenAnswer> {
  const askedAt = clock.now()
  const common = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'damselfly' }
  const response = await transport.send({ ...request, headers: { ...common, ...request.headers } })
  const bytes = await readBeginning(response.body, RESPONSE_LIMIT_BYTES, RESPONSE_DEADLINE_MS)
  const token = response.status === 200 ? readToken(bytes, askedAt) : undefined
  return token === undefined ? { refusal: { ...response, body: bodyOf(bytes) } } : { token }
}

/** What a service says about our account is not for requesters. */
function withoutBody(answer: TokenAnswer): TokenAnswer {
  if ('token' in answer) return answer
  const { status, headers } = answer.refusal
  const retryAfter = headers['retry-after']
  const kept: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter }
  return { refusal: { status, headers: kept, body: bodyOf(new Uint8Array()) } }
}

function scopesOf({ scope }: BearerChallenge): string[] {
  return scope?.split(' ').filter(part => part !== '') ?? []
}

function readToken(bytes: Uint8Array, askedAt: number): Token | undefined {
  const answer = parseJson(bytes)
  if (!Value.Check(TokenResponse, answer)) return undefined
  const value = answer.token || answer.access_token
  if (value === undefined || !/^[\x21-\x7e]+$/.test(value)) return undefined
  const told = answer.expires_in ?? 0
  const lifetimeS = told > 0 ? Math.min(told, LIFETIME_MAX_S) : DEFAULT_LIFETIME_S
  const marginS = Math.min(MARGIN_MAX_S, lifetimeS / 10)
  return { value, expiresAt: askedAt + (lifetimeS - marginS) * 1_000 }
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
