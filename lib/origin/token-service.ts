import { Type } from 'typebox'
import { Value } from 'typebox/value'
import type { BearerChallenge } from '../../protocol/challenge.ts'
import type { Clock } from '../clock.ts'
import { bodyOf, readBeginning } from './bounded-body.ts'
import type { HttpTransport, TransportResponse } from './http-transport.ts'

/** A bearer token. `expiresAt` is on the clock's monotonic scale and already leaves room for the request it is used in. */
export interface Token {
  readonly value: string
  readonly expiresAt: number
}

/** What a token service answered: a token, or the response with which it refused. */
export type TokenAnswer = { readonly token: Token } | { readonly refusal: TransportResponse }

const TokenResponse = Type.Object({
  token: Type.Optional(Type.String()),
  access_token: Type.Optional(Type.String()),
  expires_in: Type.Optional(Type.Number()),
})

const RESPONSE_LIMIT_BYTES = 256 * 1024
const RESPONSE_DEADLINE_MS = 10_000
/** What the specification says when the service does not. */
const DEFAULT_LIFETIME_S = 60
const MARGIN_MAX_S = 10

/**
 * Asks a token service for a token, anonymously (distribution token authentication specification). Own credentials for a
 * registry belong here: Basic on this request, or a POST grant. A requester's `Authorization` never does.
 * @throws DamselflyError ORIGIN_UNREACHABLE
 */
export async function requestToken(
  { transport, clock }: { transport: HttpTransport; clock: Clock },
  realm: URL,
  challenge: BearerChallenge,
): Promise<TokenAnswer> {
  const url = new URL(realm)
  if (challenge.service !== undefined) url.searchParams.set('service', challenge.service)
  for (const scope of challenge.scope?.split(' ') ?? []) {
    if (scope !== '') url.searchParams.append('scope', scope)
  }

  const askedAt = clock.now()
  const headers = { accept: 'application/json', 'accept-encoding': 'identity', 'user-agent': 'damselfly' }
  const response = await transport.send({ url, method: 'GET', headers })
  const bytes = await readBeginning(response.body, RESPONSE_LIMIT_BYTES, RESPONSE_DEADLINE_MS)
  const token = response.status === 200 ? readToken(bytes, askedAt) : undefined
  return token === undefined ? { refusal: { ...response, body: bodyOf(bytes) } } : { token }
}

function readToken(bytes: Uint8Array, askedAt: number): Token | undefined {
  const answer = parseJson(bytes)
  if (!Value.Check(TokenResponse, answer)) return undefined
  const value = answer.token || answer.access_token
  if (value === undefined || !/^[\x21-\x7e]+$/.test(value)) return undefined
  const told = answer.expires_in ?? 0
  const lifetimeS = told > 0 ? told : DEFAULT_LIFETIME_S
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
