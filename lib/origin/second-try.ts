import type { Clock } from '../clock.ts'
import type { HeaderRecord } from './request-headers.ts'

/** A server behind a balancer that fails is soon replaced by the next. */
const PAUSE_MS = 200
/** A client that waits for us waits no longer than that; it hears a longer wish itself. */
const LONGEST_PAUSE_MS = 2_000

const PASSING_FAILURES: ReadonlySet<number> = new Set([500, 502, 503, 504])

/**
 * After how many milliseconds a request is worth a second try: one hiccup of an origin must not fail a pull that the runtime
 * itself would not repeat. What the server says in `Retry-After` (RFC 9110 §10.2.3, in seconds) counts.
 * @returns undefined for an answer that stands, and where the server wants more patience than there is
 */
export function secondTryAfterMs({ status, headers }: { status: number; headers: HeaderRecord }): number | undefined {
  const wished = headers['retry-after']
  if (wished !== undefined && (status === 429 || PASSING_FAILURES.has(status))) {
    const pauseMs = Number(wished) * 1000
    return pauseMs >= 0 && pauseMs <= LONGEST_PAUSE_MS ? pauseMs : undefined
  }
  return PASSING_FAILURES.has(status) ? PAUSE_MS : undefined
}

/** Waits. @throws the signal's reason */
export async function pause(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cancel = clock.after(delayMs, resolve)
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}
