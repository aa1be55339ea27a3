import type { FastifyInstance, FastifyRequest } from 'fastify'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { Clock } from '../../clock.ts'
import { type Caller, callerOf } from './caller.ts'
import { MAX_CALLERS, type RequestLimitsConfig } from './config.ts'
import { createTokenBuckets } from './token-buckets.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether requests of this route are not limited: because a pull consists of them, or because they tell whether the program lives. */
    readonly unlimited?: true
  }
}

/** A limit that a request may meet. */
export type RequestLimit = keyof RequestLimitsConfig

/** Counts requests against limits. */
export interface RequestLimits {
  /** Whoever guessed too often has to wait, before his next guess is looked at. @throws TooManyRequests */
  checkAttempts(caller: Caller): void
  /** Takes one request. @throws TooManyRequests */
  take(caller: Caller): void
  /** Notes that a caller could not prove who it is. */
  failed(caller: Caller): void
}

/** A refusal that says when to come again. */
export class TooManyRequests extends DamselflyError {
  /** The value of `Retry-After`. */
  readonly retryAfterSeconds: number

  constructor(what: string, waitMs: number) {
    const seconds = Math.max(1, Math.ceil(waitMs / 1000))
    super('TOOMANYREQUESTS', `${what}; come again in ${seconds} s`)
    this.retryAfterSeconds = seconds
  }
}

export interface RequestLimitsComponents {
  readonly clock: Clock
  /** Called for each refusal. */
  readonly refused: (limit: RequestLimit) => void
}

const EVERYBODY = 'all'

const REASONS: Readonly<Record<RequestLimit, string>> = {
  perIdentity: 'this caller sends more than it may',
  total: 'there are more requests than this program answers',
  perAddress: 'this address sends more than it may without an identity',
  anonymous: 'there are more requests without an identity than this program answers',
  failedAttempts: 'too many failed authentications from this address',
}

/** No requests so far. Those who prove who they are share nothing with those who do not. */
export function createRequestLimits(
  { clock, refused }: RequestLimitsComponents,
  config: RequestLimitsConfig,
): RequestLimits {
  const buckets = {
    perIdentity: createTokenBuckets(clock, config.perIdentity, MAX_CALLERS),
    total: createTokenBuckets(clock, config.total, 1),
    perAddress: createTokenBuckets(clock, config.perAddress, MAX_CALLERS),
    anonymous: createTokenBuckets(clock, config.anonymous, 1),
    failedAttempts: createTokenBuckets(clock, config.failedAttempts, MAX_CALLERS),
  }

  function refuseAfter(limit: RequestLimit, waitMs: number): void {
    if (waitMs === 0) return
    refused(limit)
    throw new TooManyRequests(REASONS[limit], waitMs)
  }

  return {
    checkAttempts({ address }) {
      refuseAfter('failedAttempts', buckets.failedAttempts.waitMs(address))
    },
    take({ proven, key, address }) {
      if (!proven) refuseAfter('failedAttempts', buckets.failedAttempts.waitMs(address))
      const [own, shared] = proven ? (['perIdentity', 'total'] as const) : (['perAddress', 'anonymous'] as const)
      refuseAfter(own, buckets[own].take(key))
      refuseAfter(shared, buckets[shared].take(EVERYBODY))
    },
    failed({ address }) {
      buckets.failedAttempts.take(address)
    },
  }
}

/**
 * Hooks that come before whoever finds out who is calling: guesses of those who have failed too often are refused unseen, and
 * failures are noted. What the origin of a content refuses to a proven caller is no failure.
 */
export function addAttemptLimits(app: FastifyInstance, limits: RequestLimits): void {
  app.addHook('onRequest', async request => {
    if (request.headers.authorization !== undefined && isLimited(request))
      limits.checkAttempts(callerOfRequest(request))
  })
  app.addHook('onResponse', async (request, { statusCode }) => {
    if (statusCode !== 401 || !isLimited(request)) return
    const caller = callerOfRequest(request)
    if (!caller.proven) limits.failed(caller)
  })
}

/** The hook that comes when it is known who is calling. */
export function addRequestLimits(app: FastifyInstance, limits: RequestLimits): void {
  app.addHook('onRequest', async request => {
    if (isLimited(request)) limits.take(callerOfRequest(request))
  })
}

/** An API that asks for identities has a place for them on each request. */
function callerOfRequest(request: FastifyRequest): Caller {
  return callerOf(request, request.server.hasRequestDecorator('identity'))
}

function isLimited({ routeOptions }: FastifyRequest): boolean {
  return routeOptions.config?.unlimited !== true
}
