import { DamselflyError, ERRORS, type ErrorCode } from '../../protocol/errors.ts'

/** The error behind the body of a failed API request; undefined for what no program of ours says. */
export function apiRefusal(body: unknown): DamselflyError | undefined {
  const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'string' || !Object.hasOwn(ERRORS, code)) return undefined
  const { message: general } = ERRORS[code as ErrorCode]
  return new DamselflyError(code as ErrorCode, typeof message === 'string' ? message.replace(`${general}: `, '') : '')
}
