import type { FastifyRequest } from 'fastify'

/** The fields of an object without those that are null: what Go writes for a list, map or pointer that is not set. */
export function withoutNulls(value: unknown): unknown {
  return mapFields(value, ([, field]) => field !== null)
}

/** The same, with keys in lower case: Go takes them in any, the last of several. */
export function withLowerKeys(value: unknown): unknown {
  return mapFields(
    value,
    ([, field]) => field !== null,
    key => key.toLowerCase(),
  )
}

type Field = readonly [key: string, value: unknown]

function mapFields(value: unknown, keep: (field: Field) => boolean, rename = (key: string) => key): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const fields = Object.entries(value).filter(keep)
  return Object.fromEntries(fields.map(([key, field]) => [rename(key), field]))
}

/** A field of an object, changed where there is one. */
export function withField(value: unknown, name: string, change: (field: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return value
  return { ...value, [name]: change((value as Readonly<Record<string, unknown>>)[name]) }
}

/** A hook that makes bodies plain before they are checked. */
export function plainBody(plain: (body: unknown) => unknown): (request: FastifyRequest) => Promise<void> {
  return async request => {
    request.body = plain(request.body)
  }
}
