import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import type { Clock } from '../clock.ts'
import { withSignal } from '../with-signal.ts'
import { credentialsKey } from './credentials/registry-credentials.ts'
import type { Origin, OriginInfo, Source } from './origin.ts'
import { OriginError } from './origin-error.ts'

/**
 * Who may read content that is here already while its origin cannot be asked:
 * - `deny`: nobody
 * - `recent`: a requester to whom the origin said yes not long ago
 * - `allow`: everybody. Whoever knows a digest then gets the content by naming an origin that is down
 */
export const OUTAGE_POLICIES = ['deny', 'recent', 'allow'] as const
export type OutagePolicy = (typeof OUTAGE_POLICIES)[number]

/** Settings of access checks. */
export interface AccessCheckInit {
  /** How long a yes counts without asking again. */
  readonly lifetimeMs: number
  readonly outage: OutagePolicy
  /** How long a yes counts when the origin cannot be asked, under the policy `recent`. */
  readonly recentMs: number
}

/** How one check is made. */
export interface AccessOptions {
  /** Whether the outage policy may speak for the origin. For content that would have to come from the origin it is no use. */
  readonly allowStale: boolean
  /** Whether the origin is asked even if it said yes a short time ago, because the content may have changed since. */
  readonly fresh?: boolean
  readonly signal?: AbortSignal | undefined
}

interface Yes {
  readonly saidAt: number
  readonly info: OriginInfo
}

const REMEMBERED_MAX = 100_000
const REFUSALS: ReadonlySet<ErrorCode> = new Set(['UNAUTHORIZED', 'DENIED', 'BLOB_UNKNOWN'])

/**
 * Asks an origin whether a requester may read a blob, manifest or any other content, with the credentials that the source
 * carries (design §4). A yes is remembered for a while under a hash of URL, headers and credentials, which are not kept
 * themselves; a no is not. Those who want the same answer at the same time share one request.
 */
export class AccessCheck {
  readonly #origin: Origin
  readonly #clock: Clock
  readonly #init: AccessCheckInit
  readonly #yeses = new LRUCache<string, Yes>({ max: REMEMBERED_MAX })
  readonly #flights = new Map<string, Promise<OriginInfo>>()

  constructor(components: { readonly origin: Origin; readonly clock: Clock }, init: AccessCheckInit) {
    this.#origin = components.origin
    this.#clock = components.clock
    this.#init = init
  }

  /**
   * Resolves when the requester may read, with what the origin said of the content; size and validator are undefined when
   * the policy `allow` spoke for it.
   * @throws DamselflyError UNAUTHORIZED, DENIED, BLOB_UNKNOWN, TOOMANYREQUESTS, ORIGIN_FAILED, ORIGIN_UNREACHABLE, REQUEST_INVALID
   * @throws the signal's reason when it aborts
   */
  async check(source: Source, { allowStale, fresh = false, signal }: AccessOptions): Promise<OriginInfo> {
    signal?.throwIfAborted()
    const key = requesterKey(source)
    const yes = this.#yeses.get(key)
    if (!fresh && yes !== undefined && this.#isWithin(yes, this.#init.lifetimeMs)) return yes.info
    try {
      return await withSignal(this.#ask(key, source), signal)
    } catch (error) {
      if (allowStale && isOutage(error)) {
        const info = this.#duringOutage(key)
        if (info !== undefined) return info
      }
      throw error
    }
  }

  /** Notes a yes that the origin gave elsewhere: it let the requester read. */
  grant(source: Source, info: OriginInfo): void {
    this.#yeses.set(requesterKey(source), { saidAt: this.#clock.now(), info })
  }

  /** Whether the outage policy lets the requester read while the origin cannot be asked. */
  mayDuringOutage(source: Source): boolean {
    return this.#duringOutage(requesterKey(source)) !== undefined
  }

  /** Not tied to one requester's signal: others may be waiting for the same answer. The origin's timeouts end it. */
  #ask(key: string, source: Source): Promise<OriginInfo> {
    const flying = this.#flights.get(key)
    if (flying !== undefined) return flying
    const flight = this.#origin
      .check(source, {})
      .then(
        info => {
          this.#yeses.set(key, { saidAt: this.#clock.now(), info })
          return info
        },
        error => {
          if (error instanceof DamselflyError && REFUSALS.has(error.code)) this.#yeses.delete(key)
          throw error
        },
      )
      .finally(() => this.#flights.delete(key))
    this.#flights.set(key, flight)
    return flight
  }

  #duringOutage(key: string): OriginInfo | undefined {
    const { outage, recentMs } = this.#init
    if (outage === 'deny') return undefined
    const yes = this.#yeses.get(key)
    if (outage === 'allow') return yes?.info ?? { sizeBytes: undefined, validator: undefined }
    return yes !== undefined && this.#isWithin(yes, recentMs) ? yes.info : undefined
  }

  #isWithin({ saidAt }: Yes, ageMs: number): boolean {
    return this.#clock.now() - saidAt < ageMs
  }
}

/** Whether the origin did not get to say yes or no. One that the outbound policy does not let us ask is no outage. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof DamselflyError)) return false
  if (error.code === 'ORIGIN_UNREACHABLE') return true
  return error instanceof OriginError && (error.originStatus ?? 0) >= 500
}

function requesterKey({ url, headers, credentials }: Source): string {
  const sorted = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])
  return createHash('sha256')
    .update(JSON.stringify([url, sorted.sort(), credentialsKey(credentials)]))
    .digest('base64')
}
