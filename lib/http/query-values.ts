import type { TSchema } from 'typebox'

interface PropertySchema {
  readonly type?: unknown
}

const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/**
 * The values of a query string as their schema has them: whole numbers, booleans (`true`, `false`, `1`, `0`), and lists from keys
 * that may be given several times. What cannot be read stays text, for the schema to refuse.
 */
export function queryValues(schema: TSchema, query: unknown): unknown {
  const { properties = {} } = schema as { properties?: Readonly<Record<string, PropertySchema>> }
  const values = Object.entries(query ?? {}).map(([key, value]) => [key, readValue(properties[key]?.type, value)])
  return Object.fromEntries(values)
}

function readValue(type: unknown, value: unknown): unknown {
  if (type === 'integer') return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value
  if (type === 'boolean') return BOOLEANS.get(value) ?? value
  if (type === 'array') return Array.isArray(value) ? value : [value]
  return value
}
