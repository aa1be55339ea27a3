import { readFileSync } from 'node:fs'
import type { Static, TObject } from 'typebox'
import { Value } from 'typebox/value'
import { parse as parseYaml, type YAMLParseError } from 'yaml'
import { DamselflyError } from '../../protocol/errors.ts'
import { describeProblem } from './describe-problem.ts'
import { type ConfigLeaf, configLeaves, environmentOf, isFileOnly, type LeafSchema } from './leaves.ts'
import { parseFileSetting, parseSetting } from './parse-setting.ts'

/** What a flag was given. */
export type FlagValue = string | boolean | readonly string[]

/** Where settings come from, weakest first: the schema's defaults, the file, the environment, the flags. */
export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string | undefined
  readonly environment?: Record<string, string | undefined>
  /** Flag values by dotted path, as text; the items of repeatable settings as they were given. */
  readonly flags?: Record<string, FlagValue | undefined>
}

type Settings = Record<string, unknown>

/**
 * Puts a program's configuration together.
 * @param program its name, which is also the prefix of its environment variables
 * @throws DamselflyError CONFIG_INVALID that names the setting, its source and what was expected
 */
export function loadConfig<Schema extends TObject>(
  program: string,
  schema: Schema,
  sources: ConfigSources,
): Static<Schema> {
  const { file } = sources
  const written = file === undefined ? {} : readYaml(file)
  const unknown = unknownSettings(schema, written, [])
  if (unknown.length > 0) {
    const where = `${file}: unknown setting ${unknown.join(', ')}`
    throw new DamselflyError('CONFIG_INVALID', `${where}; docs/configuration.md lists the settings`)
  }

  const config: Settings = {}
  const origins = new Map<string, string>()
  for (const leaf of configLeaves(schema)) {
    // In this order, so that a weaker source that is overridden is not even read.
    const chosen = fromFlag(leaf, sources) ?? fromEnvironment(program, leaf, sources) ?? fromFile(leaf, written, file)
    if (chosen === undefined) continue
    set(config, leaf.path, chosen.value)
    origins.set(leaf.path.join('.'), chosen.source)
  }
  addBranches(schema, config, written)
  const complete = Value.Default(schema, config)
  const problems = Value.Errors(schema, complete)
  if (problems.length > 0) throw new DamselflyError('CONFIG_INVALID', describeProblem(problems, schema, origins))
  return complete as Static<Schema>
}

interface Given {
  readonly value: unknown
  readonly source: string
}

function fromFlag(leaf: ConfigLeaf, { flags = {} }: ConfigSources): Given | undefined {
  const source = 'the command line'
  const text = flags[leaf.path.join('.')]
  if (text === undefined) return undefined
  return { value: typeof text === 'string' ? parseSetting(leaf, text, source) : text, source }
}

function fromEnvironment(program: string, leaf: ConfigLeaf, { environment = {} }: ConfigSources): Given | undefined {
  const source = environmentOf(program, leaf)
  const text = isFileOnly(leaf) ? undefined : environment[source]
  return text === undefined ? undefined : { value: parseSetting(leaf, text, source), source }
}

function fromFile(leaf: ConfigLeaf, written: Settings, file: string | undefined): Given | undefined {
  const value = leaf.path.reduce(childOf, written as unknown)
  if (value === undefined || file === undefined) return undefined
  return { value: parseFileSetting(leaf, value, file), source: file }
}

function childOf(value: unknown, key: string): unknown {
  const inside = typeof value === 'object' && value !== null && Object.hasOwn(value, key)
  return inside ? (value as Settings)[key] : undefined
}

function readYaml(file: string): Settings {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new DamselflyError('CONFIG_INVALID', `${file}: ${(error as Error).message}`, { cause: error })
  }
  const content = parsed(text, file)
  if (content === null) return {}
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new DamselflyError('CONFIG_INVALID', `${file}: expected settings as "key: value" lines`)
  }
  return content as Settings
}

/** The parser's own messages quote the file, in which passwords may be. */
function parsed(text: string, file: string): unknown {
  try {
    return parseYaml(text, { stringKeys: true })
  } catch (error) {
    const { code = 'BAD_ALIAS', linePos } = error as Partial<YAMLParseError>
    const place = linePos === undefined ? '' : ` line ${linePos[0].line}, column ${linePos[0].col}`
    const problem = code.toLowerCase().replaceAll('_', ' ')
    throw new DamselflyError(
      'CONFIG_INVALID',
      `${file}${place} is not YAML: ${problem}; quote values with special signs`,
    )
  }
}

/** Settings in the file that the schema does not have. A level that holds no settings at all, `http: 5`, is one too. */
function unknownSettings(schema: LeafSchema, value: unknown, path: readonly string[]): string[] {
  const { properties } = schema
  // An empty level, whose settings are all commented out for example, says nothing.
  if (properties === undefined || value === null) return []
  if (typeof value !== 'object' || Array.isArray(value)) return [path.join('.')]
  return Object.entries(value).flatMap(([key, child]) => {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined
    return known === undefined ? [[...path, key].join('.')] : unknownSettings(known, child, [...path, key])
  })
}

function set(target: Settings, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path
  if (rest.length === 0) {
    target[key] = value
    return
  }
  const branch = (target[key] ?? {}) as Settings
  target[key] = branch
  set(branch, rest, value)
}

/** Adds the levels without a given setting, so that the defaults below them apply. An optional level must be written. */
function addBranches(schema: LeafSchema, target: Settings, written: unknown): void {
  const { properties = {}, required = [] } = schema as LeafSchema & { required?: readonly string[] }
  for (const [key, child] of Object.entries(properties)) {
    if (child.properties === undefined) continue
    const writtenChild = childOf(written, key) ?? undefined
    if (target[key] === undefined && (required.includes(key) || writtenChild !== undefined)) target[key] = {}
    if (target[key] !== undefined) addBranches(child, target[key] as Settings, writtenChild)
  }
}
