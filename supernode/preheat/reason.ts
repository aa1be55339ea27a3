import { OriginError } from '../../lib/origin/origin-error.ts'
import { ERRORS, type ErrorCode, isErrorCode, toDamselflyError } from '../../protocol/errors.ts'
import type { Reason } from './plan/state.ts'

/** What to do about what often goes wrong. */
const ADVICE: Partial<Record<ErrorCode, string>> = {
  UNAUTHORIZED: 'send headers or credentials with the job, or give the supernode an account under upstreams',
  DENIED: 'the account that was used may not read it; use another',
  MANIFEST_UNKNOWN: 'check the name and the tag',
  BLOB_UNKNOWN: 'push the image again',
  ORIGIN_UNREACHABLE: 'see whether it is up, and whether the supernode may reach it (outbound, upstreams)',
  STORE_FULL: 'give the supernode a larger store (store.maxBytes, store.keepFree), or delete from it',
  TASK_BLOCKED: 'an operator has to unblock it first (supernode block remove)',
}

/** Why something failed, and what to do about it. */
export function reasonOf(error: unknown): Reason {
  const { code, message } = toDamselflyError(error)
  // What is refused here says itself which setting would allow it.
  const isOwnRefusal = code === 'DENIED' && !(error instanceof OriginError)
  const advice = isOwnRefusal ? undefined : ADVICE[code]
  return { code, message: advice === undefined ? message : `${message}; ${advice}` }
}

/** Why a node did not fetch something, of which it has told the code. */
export function reasonOfCode(code: string): Reason {
  return { code, message: isErrorCode(code) ? ERRORS[code].message : 'it did not say why' }
}
