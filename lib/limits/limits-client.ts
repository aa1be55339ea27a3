import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import type { ErrorCode } from '../../protocol/errors.ts'
import { KeyField } from '../../protocol/messages/fields.ts'
import { createApiClient } from '../http/client/api-client.ts'
import type { ApiAddress } from '../http/client/api-endpoint.ts'
import { LIMITS_PATH } from './limits-path.ts'

/** Limits by the names of their settings. */
export type LimitValues = Readonly<Record<string, number>>

/** A program that says nothing for this long counts as down. */
const DEADLINE_MS = 5_000

const limitsForm = Compile(Type.Record(KeyField, Type.Number()))

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
  const client = createApiClient({ api, unreachable, deadlineMs: DEADLINE_MS })
  const change = Object.keys(changes).length > 0 ? ({ method: 'PUT', json: changes } as const) : {}
  return client.ask(limitsForm, { path: LIMITS_PATH, ...change })
}
