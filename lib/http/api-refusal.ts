import { DamselflyError, ERRORS, isErrorCode } from '../../protocol/errors.ts'

/** The error behind the body of a failed API request; undefined for what no program of ours says. */
export function apiRefusal(body: unknown): DamselflyError | undefined {
  const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown }
  if (typeof code !== 'string' || !isErrorCode(code)) return undefined
  const { message: general } = ERRORS[code]
  return new DamselflyError(code, typeof message === 'string' ? message.replace(`${general}: `, '') : '')
}
