import type { FastifyInstance } from 'fastify'
import { type TObject, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../protocol/errors.ts'
import { describeProblem } from '../config/describe-problem.ts'
import { checkFromHere } from '../http/from-here.ts'
import { LIMITS_PATH } from './limits-path.ts'
import type { LiveLimits } from './live-limits.ts'

/**
 * `GET /api/v1/limits` answers with the limits in force; `PUT` with some of them changes these until the program ends and
 * answers in the same way. As the API knows no roles, only this machine may change them.
 * @param schema of the settings
 */
export function addLimitsRoutes<Values extends object>(
  app: FastifyInstance,
  { limits, schema }: { readonly limits: LiveLimits<Values>; readonly schema: TObject },
): void {
  const given = Type.Partial(schema)
  app.get(LIMITS_PATH, async () => limits.values())
  app.put(LIMITS_PATH, async ({ socket, body }) => {
    checkFromHere(socket, 'limits are changed')
    const problem = problemOf(given, body)
    if (problem !== undefined) throw new DamselflyError('REQUEST_INVALID', problem)
    limits.change(body as Partial<Values>)
    return limits.values()
  })
}

function problemOf(schema: TObject, body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    return 'the body must be a JSON object of limits'
  const names = Object.keys(schema.properties)
  const unknown = Object.keys(body).find(name => !names.includes(name))
  if (unknown !== undefined) return `there is no limit "${unknown}", only ${names.join(', ')}`
  const problems = Value.Errors(schema, body)
  return problems.length === 0 ? undefined : describeProblem(problems, schema, new Map())
}
