import type { TSchema } from 'typebox'
import { Compile } from 'typebox/schema'
import { request } from 'undici'
import { anyServer } from './any-server.ts'

interface Operation {
  readonly 'x-roles'?: readonly string[]
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, { schema: TSchema }>> }>>
}

/** What a program says of its API at `/openapi.json`. */
export interface ApiDocument {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** An answer as it came. */
export interface ObservedAnswer {
  readonly method: string
  /** Path and query that were asked for. */
  readonly path: string
  readonly status: number
  readonly contentType: string
  readonly text: string
}

/** Asks a program for the description of its API. */
export async function readApiDocument(program: { readonly url: string }): Promise<ApiDocument> {
  const { body } = await request(`${program.url}/openapi.json`, { dispatcher: anyServer })
  return (await body.json()) as ApiDocument
}

/** All operations of an API, as `GET /version`, in the order of their paths. */
export function operationsOf({ paths }: ApiDocument): string[] {
  return Object.entries(paths)
    .flatMap(([path, operations]) => Object.keys(operations).map(method => `${method.toUpperCase()} ${path}`))
    .toSorted()
}

/** Who may use each operation, by its name as in `operationsOf`. */
export function rolesOf({ paths }: ApiDocument): Record<string, string> {
  const roles = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => [
      `${method.toUpperCase()} ${path}`,
      operation['x-roles']?.join(', ') ?? '',
    ]),
  )
  return Object.fromEntries(roles)
}

/**
 * In what an answer is not as the API's description says: another status, type or form, or a field that is not described.
 * @returns nothing when all is well, or the description has no such operation
 */
export function undocumented(document: ApiDocument, answer: ObservedAnswer): string[] {
  return createAnswerChecker(document)(answer)
}

/** `undocumented` for many answers. */
export function createAnswerChecker(document: ApiDocument): (answer: ObservedAnswer) => string[] {
  const compiled = new Map<TSchema, ReturnType<typeof Compile>>()
  function formOf(schema: TSchema): ReturnType<typeof Compile> {
    const form = compiled.get(schema) ?? Compile(closed(schema))
    compiled.set(schema, form)
    return form
  }
  return ({ method, path, status, contentType, text }) => {
    const operation = operationAt(document, method, path.split('?', 1)[0] ?? '')
    if (operation === undefined) return []
    const response = operation.responses[status] ?? (status >= 400 ? operation.responses.default : undefined)
    if (response === undefined) return [`status ${status}`]
    if (response.content === undefined) return text === '' ? [] : ['a body']
    const [type = ''] = contentType.split(';', 1)
    const media = response.content[type]
    if (media === undefined) return [`type ${type}`]
    const [, errors] = formOf(media.schema).Errors(type === 'application/json' ? JSON.parse(text) : text)
    return errors.map(({ instancePath, message }) => `${instancePath} ${message}`)
  }
}

function operationAt({ paths }: ApiDocument, method: string, path: string): Operation | undefined {
  const matches = (template: string) => new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path)
  const found = paths[path] ?? Object.entries(paths).find(([template]) => matches(template))?.[1]
  return found?.[method.toLowerCase()]
}

/** The schema without room for fields that it does not describe; objects of which it says nothing at all stay as they are. */
function closed(schema: unknown): TSchema {
  if (Array.isArray(schema)) return schema.map(closed) as TSchema
  if (typeof schema !== 'object' || schema === null) return schema as TSchema
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]))
  const { properties = {} } = inner as { properties?: object }
  return Object.keys(properties).length === 0 ? inner : { additionalProperties: false, ...inner }
}
