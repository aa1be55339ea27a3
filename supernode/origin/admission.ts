import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Origin, Source } from '../../lib/origin/origin.ts'

/** What the origin said of content that a requester may read. */
export interface Admitted {
  readonly sizeBytes: number | undefined
  readonly validator: string | undefined
}

const MAX_REMEMBERED = 100_000

/**
 * Asks the origin whether a requester may read, with the requester's own credentials (design §4). A yes is remembered for a
 * short while under a hash of URL and headers; the credentials themselves are not kept. Requests for the same answer that
 * come at the same time are one request.
 */
export class Admission {
  readonly #origin: Origin
  readonly #answers: LRUCache<string, Promise<Admitted>>

  constructor(origin: Origin, lifetimeMs: number) {
    this.#origin = origin
    this.#answers = new LRUCache({ max: MAX_REMEMBERED, ttl: Math.max(1, lifetimeMs) })
  }

  /** @throws DamselflyError UNAUTHORIZED, DENIED, BLOB_UNKNOWN, TOOMANYREQUESTS, ORIGIN_FAILED, ORIGIN_UNREACHABLE */
  check(source: Source): Promise<Admitted> {
    const key = requesterKey(source)
    const known = this.#answers.get(key)
    if (known !== undefined) return known
    const asked = this.#origin.check(source, {})
    this.#answers.set(key, asked)
    asked.catch(() => this.#answers.delete(key))
    return asked
  }
}

function requesterKey(source: Source): string {
  const headers = Object.entries(source.headers).map(([name, value]) => [name.toLowerCase(), value])
  return createHash('sha256')
    .update(JSON.stringify([source.url, headers.sort()]))
    .digest('base64')
}
