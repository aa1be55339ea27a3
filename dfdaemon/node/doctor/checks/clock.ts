import { formatDuration } from '../../../../lib/terminal/format.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'

/** One look at another machine's clock, in milliseconds since 1970. */
export interface ClockFacts {
  /** The other clock, to the second: it showed something from here to a second later. */
  readonly date: number
  /** This machine's clock when the question was sent and when the answer was there. */
  readonly sentAt: number
  readonly receivedAt: number
}

const DATE_RESOLUTION_MS = 1_000
/** More is no accident of a slow network: no clock that is kept in step is off by as much. */
const WARN_MS = 5_000
/** Tickets, tokens of registries and fresh certificates count in minutes: beyond this they begin to fail. */
const FAIL_MS = 60_000
const CHECK = 'clock'
const MEND = 'timedatectl set-ntp true'

/**
 * Whether this machine and the supernode agree on the time. Tickets end by the clock of whoever checks them: more than 5 s is
 * a warning, more than 60 s a failure.
 */
export function checkClock(facts: ClockFacts): Finding {
  const skewMs = clockSkewMs(facts)
  const size = Math.abs(skewMs)
  if (size <= WARN_MS) return ok(CHECK, 'in step with the supernode')
  const what = `${formatDuration(size)} ${skewMs > 0 ? 'ahead of' : 'behind'} the supernode`
  if (size <= FAIL_MS) return warn(CHECK, what, MEND)
  return fail(
    CHECK,
    `${what}: tickets and tokens are taken for ${skewMs > 0 ? 'expired' : 'valid'} when they are not`,
    MEND,
  )
}

/** How far this clock is ahead, at least; 0 when the times could be the same. */
export function clockSkewMs({ date, sentAt, receivedAt }: ClockFacts): number {
  if (sentAt > date + DATE_RESOLUTION_MS) return sentAt - date - DATE_RESOLUTION_MS
  if (receivedAt < date) return receivedAt - date
  return 0
}
