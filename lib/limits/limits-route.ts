import type { FastifyInstance } from 'fastify'
import { type TObject, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError } from '../../protocol/errors.ts'
import { describeProblem } from '../config/describe-problem.ts'
import type { LeafSchema } from '../config/leaves.ts'
import { answers, jsonAnswer } from '../http/answers.ts'
import { LIMITS_PATH } from './limits-path.ts'
import type { LiveLimits } from './live-limits.ts'

/**
 * `GET /api/v1/limits` answers with the limits in force; `PUT` with some of them changes these until the program ends and
 * answers in the same way.
 * @param schema of the settings
 */
export function addLimitsRoutes<Values extends object>(
  app: FastifyInstance,
  { limits, schema }: { readonly limits: LiveLimits<Values>; readonly schema: TObject },
): void {
  const fields = limitFields(schema)
  const tags = ['limits']
  const inForce = jsonAnswer('the limits in force', Type.Object(fields))
  app.get(
    LIMITS_PATH,
    {
      schema: { summary: 'The limits in force', tags, response: answers({ 200: inForce }) },
      config: { access: ['viewer'] },
    },
    async () => limits.values(),
  )

  const given = Type.Partial(Type.Object(fields), { additionalProperties: false })
  app.put(
    LIMITS_PATH,
    {
      schema: {
        summary: 'Changes some limits until the program ends',
        tags,
        body: given,
        response: answers({ 200: inForce }, ['REQUEST_INVALID']),
      },
      config: { access: ['operator'] },
      validatorCompiler: () => body => checkGiven(given, body),
    },
    async ({ body }) => {
      limits.change(body as Partial<Values>)
      return limits.values()
    },
  )
}

/** The fields of a schema without what is for settings only. A limit that a caller does not give stays as it is. */
function limitFields({ properties }: TObject): Record<string, TSchema> {
  const fields = Object.entries(properties).map(([name, leaf]) => {
    const {
      default: _,
      placeholder: __,
      unit: ___,
      ...rest
    } = leaf as LeafSchema & { default?: unknown; unit?: unknown }
    return [name, Type.Unsafe<number>(rest)]
  })
  return Object.fromEntries(fields)
}

function checkGiven(schema: TObject, body: unknown): { value: unknown } | { error: Error } {
  const problem = problemOf(schema, body)
  return problem === undefined ? { value: body } : { error: new DamselflyError('REQUEST_INVALID', problem) }
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
