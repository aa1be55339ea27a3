import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'

const FIRST_PAUSE_MS = 1_000
/** As long as wget and curl wait at most, about. */
const LONGEST_PAUSE_MS = 60_000

/** Failures that may pass for others, and not for a run that only waits. */
const STAYING: ReadonlySet<ErrorCode> = new Set(['CONTENT_CORRUPT', 'STORE_FAILED', 'STORE_FULL', 'INTERNAL'])

/**
 * How long to wait before a download is tried again.
 * @param tries how many have failed
 * @param wallTime what it is now, in milliseconds since 1970
 * @returns in milliseconds; undefined for what another try will not mend
 */
export function pauseBeforeRetry(error: unknown, tries: number, wallTime: number): number | undefined {
  if (!mayPass(error)) return undefined
  const asked = error instanceof OriginError ? askedMs(error.originHeaders?.['retry-after'], wallTime) : Number.NaN
  const own = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
  return asked > 0 ? Math.min(asked, 10 * LONGEST_PAUSE_MS) : own
}

/** `Retry-After`, in seconds or as a date (RFC 9110 §10.2.3); not a number where there is none. */
function askedMs(header = '', wallTime: number): number {
  return /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - wallTime
}

/** Whether the same download may succeed later. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof DamselflyError)) return false
  if (error instanceof OriginError && error.originStatus !== undefined && error.originStatus >= 400) {
    const { originStatus } = error
    return originStatus === 408 || originStatus === 429 || originStatus >= 500
  }
  // Wrong content may be one bad answer of many, but whoever named a digest wants to hear of it.
  return error.retryable && !STAYING.has(error.code) && exitCodeOf(error) !== EXIT.certificate
}
