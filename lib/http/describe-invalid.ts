import type { TSchema } from 'typebox'

/** What a validator says about one value; the parts that are read here. */
export interface InvalidValue {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: unknown
}

/**
 * Tells a caller what is wrong with a request, and what would be right: `query/pageSize must be >= 0`.
 * @param part of the request: `body`, `query`
 * @param problems what the validator found
 */
export function describeInvalid(part: string, schema: TSchema, problems: readonly InvalidValue[]): string {
  const [first] = problems
  if (first === undefined) return `${part} does not match its schema`
  const at = `${part}${first.instancePath}`
  if (first.keyword === 'boolean') {
    const names = Object.keys((schema as { properties?: object }).properties ?? {})
    const nested = first.instancePath.lastIndexOf('/') > 0
    return nested ? `${at} is not known` : `${at} is not known, only ${names.join(', ')}`
  }
  const { allowedValues } = first.params as { allowedValues?: readonly unknown[] }
  return allowedValues === undefined ? `${at} ${first.message}` : `${at} must be one of ${allowedValues.join(', ')}`
}
