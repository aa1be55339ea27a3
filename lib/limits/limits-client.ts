import { DamselflyError, type ErrorCode } from '../../protocol/errors.ts'
import { apiRefusal } from '../http/api-refusal.ts'
import { type ApiAddress, requestApi } from '../http/client/api-endpoint.ts'
import { LIMITS_PATH } from './limits-path.ts'

/** Limits by the names of their settings. */
export type LimitValues = Readonly<Record<string, number>>

/** A program that says nothing for this long counts as down. */
const SILENCE_MS = 5_000

/**
 * Asks a program for its limits, or has some of them changed.
 * @param api of the program
 * @param changes those to change; none to see the limits only
 * @returns all limits in force
 * @throws DamselflyError the program's refusal; `unreachable` when there is no usable answer
 */
export async function askLimits(
  { api, unreachable }: { readonly api: ApiAddress; readonly unreachable: ErrorCode },
  changes: LimitValues,
): Promise<LimitValues> {
  const change = Object.keys(changes).length > 0
  let status: number
  let answer: unknown
  try {
    const response = await requestApi(api, LIMITS_PATH, {
      signal: AbortSignal.timeout(SILENCE_MS),
      ...(change
        ? { method: 'PUT', body: JSON.stringify(changes), headers: { 'content-type': 'application/json' } }
        : { method: 'GET' }),
    })
    status = response.statusCode
    answer = await response.body.json()
  } catch (error) {
    throw new DamselflyError(unreachable, (error as Error).message, { cause: error })
  }
  if (status === 200 && isLimits(answer)) return answer
  throw apiRefusal(answer) ?? new DamselflyError(unreachable, `it answered with status ${status}`)
}

function isLimits(answer: unknown): answer is LimitValues {
  return (
    typeof answer === 'object' && answer !== null && Object.values(answer).every(value => typeof value === 'number')
  )
}
