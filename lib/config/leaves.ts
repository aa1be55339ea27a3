import type { TSchema } from 'typebox'

/** One setting of a configuration schema. */
export interface ConfigLeaf {
  /** Keys from the root, `['http', 'listen']`. */
  readonly path: readonly string[]
  readonly schema: LeafSchema
  /** Under which heading of the help its flag is listed. */
  readonly group?: string | undefined
}

/** The parts of a TypeBox schema that the loader reads. */
export interface LeafSchema extends TSchema {
  type?: string
  description?: string
  default?: unknown
  const?: unknown
  anyOf?: LeafSchema[]
  items?: LeafSchema
  properties?: Record<string, LeafSchema>
  /** A one-letter flag beside the long one, `-O`. */
  short?: string
  /** Further names of the flag, without dashes, that people know from other programs: `no-clobber`, `o`. */
  aliases?: readonly string[]
  /** What the help calls the value, `file`; `value` by default. */
  placeholder?: string
  /**
   * Of a list whose items may hold commas: the flag is given once for each item, and the environment variable has one item
   * a line.
   */
  repeatable?: boolean
  /** Heading of the help under which the flag is listed, `Output`; that of the level above by default. */
  group?: string
}

/** Every setting of a schema, in the order of the schema. Objects without fixed properties (records) are settings too. */
export function configLeaves(schema: TSchema, path: readonly string[] = [], above?: string): ConfigLeaf[] {
  const { properties, group = above } = schema as LeafSchema
  if (properties === undefined) return [{ path, schema: schema as LeafSchema, group }]
  return Object.entries(properties).flatMap(([key, child]) => configLeaves(child, [...path, key], group))
}

/** The command-line flag of a setting: `http.listen` → `--http-listen`. */
export function flagOf(leaf: ConfigLeaf): string {
  return `--${leaf.path.map(key => words(key).join('-')).join('-')}`
}

/** The environment variable of a setting: `http.listen` of dfdaemon → `DFDAEMON_HTTP_LISTEN`. */
export function environmentOf(program: string, leaf: ConfigLeaf): string {
  return [environmentPrefix(program), ...leaf.path.flatMap(words)].join('_').toUpperCase()
}

/** What the environment variables of a program begin with: registry-mock → `REGISTRY_MOCK`. */
export function environmentPrefix(program: string): string {
  return program.replaceAll('-', '_').toUpperCase()
}

/** Whether a setting is given in a file only, because a flag could not hold it. */
export function isFileOnly({ schema }: ConfigLeaf): boolean {
  return schema.type === 'object' || (schema.type === 'array' && schema.items?.type === 'object')
}

function words(key: string): string[] {
  return key.split(/(?=[A-Z])/).map(word => word.toLowerCase())
}
