import type { FastifySchemaCompiler } from 'fastify'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from '../../protocol/errors.ts'
import { describeInvalid } from './describe-invalid.ts'
import { queryValues } from './query-values.ts'

/** What callers call the parts of a request. */
const PARTS: Readonly<Record<string, string>> = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
}

/**
 * Checks requests against the schemas of their routes, as they are: nothing is added, removed or, but for the text of a query,
 * converted. Refuses with REQUEST_INVALID.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart = 'body' }) => {
  const compiled = Compile(schema)
  const part = PARTS[httpPart] ?? httpPart
  return (given: unknown) => {
    const value = httpPart === 'querystring' ? queryValues(schema, given) : given
    if (compiled.Check(value)) return { value }
    return { error: new DamselflyError('REQUEST_INVALID', describeInvalid(part, schema, compiled.Errors(value))) }
  }
}

/**
 * Answers go out whole. The serialiser that fastify makes from a schema drops the fields that the schema does not have; here a
 * test compares answers with their schemas instead.
 */
export function serializerCompiler(): (answer: unknown) => string {
  return answer => JSON.stringify(answer)
}
