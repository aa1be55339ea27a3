import type { ErrorCode } from '../../protocol/errors.ts'

/** What whoever starts a job must reckon with. */
export const PREHEAT_REFUSALS: readonly ErrorCode[] = [
  'REQUEST_INVALID',
  'BODY_TOO_LARGE',
  'TOOMANYREQUESTS',
  'STORE_FAILED',
]
