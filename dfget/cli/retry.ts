import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../protocol/errors.ts'

const FIRST_PAUSE_MS = 1_000
/** As long as wget and curl wait at most, about. */
const LONGEST_PAUSE_MS = 60_000

/**
 * How long to wait before a download is tried again.
 * @param tries how many have failed
 * @returns in milliseconds; undefined for what another try will not mend
 */
export function pauseBeforeRetry(error: unknown, tries: number): number | undefined {
  if (!mayPass(error)) return undefined
  const asked = error instanceof OriginError ? Number(error.originHeaders?.['retry-after']) * 1000 : Number.NaN
  const own = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (tries - 1))
  return asked > 0 ? Math.min(asked, 10 * LONGEST_PAUSE_MS) : own
}

/** Whether the same download may succeed later. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof DamselflyError)) return false
  if (error instanceof OriginError && error.originStatus !== undefined && error.originStatus >= 400) {
    const { originStatus } = error
    return originStatus === 408 || originStatus === 429 || originStatus >= 500
  }
  // Wrong content may be one bad answer of many, but whoever named a digest wants to hear of it.
  return error.retryable && error.code !== 'CONTENT_CORRUPT'
}
