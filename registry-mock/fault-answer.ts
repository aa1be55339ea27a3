import type { Clock } from '../lib/clock.ts'
import { ERRORS, type ErrorCode } from '../protocol/errors.ts'
import { type Answer, jsonAnswer } from './answer.ts'
import type { FaultSubject, Faults } from './faults.ts'
import { wait } from './wait.ts'

/** Applies the faults that come before an answer: a delay, then perhaps an answer in place of the real one. */
export async function answerByFault(
  { faults, clock }: { faults: Faults; clock: Clock },
  subject: FaultSubject,
  signal: AbortSignal,
): Promise<Answer | undefined> {
  const slow = faults.take(subject, ['slow-first-byte'])
  if (slow !== undefined) await wait(clock, slow.delayMs ?? 1_000, signal)
  const rule = faults.take(subject, ['status'])
  if (rule === undefined) return undefined
  const status = rule.status ?? 500
  const code = codeOf(status, subject)
  const body = { errors: [{ code, message: ERRORS[code].message, detail: 'an injected fault' }] }
  return jsonAnswer(status, body, rule.headers)
}

function codeOf(status: number, { kind }: FaultSubject): ErrorCode {
  if (status === 404) return kind === 'manifest' ? 'MANIFEST_UNKNOWN' : 'BLOB_UNKNOWN'
  const codes: Record<number, ErrorCode> = {
    401: 'UNAUTHORIZED',
    403: 'DENIED',
    405: 'UNSUPPORTED',
    416: 'RANGE_INVALID',
    429: 'TOOMANYREQUESTS',
  }
  return codes[status] ?? 'INTERNAL'
}
