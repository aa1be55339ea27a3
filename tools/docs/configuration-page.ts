import type { TObject } from 'typebox'
import {
  type ConfigLeaf,
  configLeaves,
  environmentOf,
  flagOf,
  isFileOnly,
  type LeafSchema,
} from '../../lib/config/leaves.ts'
import { code, generatedFrom, markdownTable, page } from './markdown.ts'

/** A program and the schema of its settings. */
export interface ConfiguredProgram {
  readonly program: string
  readonly schema: TObject
}

/** docs/configuration.md: one table of settings for each program. */
export function configurationPage(programs: readonly ConfiguredProgram[]): string {
  return page(
    '# Configuration',
    generatedFrom('the configuration schemas'),
    'Each setting has a default; the YAML file given with `--config` overrides it, the environment overrides the file, ' +
      'and a flag overrides the environment. A dot in a setting is a level in the file: `http.listen` is `listen` below ' +
      '`http`. Unknown settings and values of the wrong type are refused at start, with the setting named.',
    'On the command line and in the environment, numbers take the units `K`, `M`, `G` (powers of 1000) and `KiB`, `MiB`, ' +
      '`GiB` (powers of 1024), and lists are separated by commas.',
    ...programs.map(programSection),
  )
}

function programSection({ program, schema }: ConfiguredProgram): string {
  const header = ['Setting', 'Flag', 'Environment', 'Type', 'Default', 'Meaning']
  const rows = configLeaves(schema).map(leaf => [
    code(leaf.path.join('.')),
    isFileOnly(leaf) ? 'file only' : code(flagOf(leaf)),
    isFileOnly(leaf) ? 'file only' : code(environmentOf(program, leaf)),
    typeText(leaf.schema),
    defaultText(leaf, schema),
    leaf.schema.description ?? '',
  ])
  return `## ${program}\n\n${markdownTable(header, rows)}`
}

/** The keywords of a schema that a reader wants to know about. */
interface TypeKeywords extends LeafSchema {
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly items?: LeafSchema
  readonly minimum?: number
  readonly exclusiveMinimum?: number
  readonly maximum?: number
}

function typeText(schema: LeafSchema): string {
  const { anyOf, const: constant, enum: choices, items, type } = schema as TypeKeywords
  if (anyOf !== undefined) return anyOf.map(typeText).join(', ')
  if (choices !== undefined) return choices.map(choice => code(String(choice))).join(', ')
  if (constant !== undefined) return code(String(constant))
  if (type === 'array') return `list of ${items === undefined ? 'any' : typeText(items)}`
  if (type === 'object') return 'mapping'
  return `${type ?? 'any'}${rangeText(schema)}`
}

function rangeText({ minimum, exclusiveMinimum, maximum }: TypeKeywords): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum} to ${maximum}`
  if (minimum !== undefined) return ` ≥ ${minimum}`
  if (exclusiveMinimum !== undefined) return ` > ${exclusiveMinimum}`
  return maximum === undefined ? '' : ` ≤ ${maximum}`
}

function defaultText(leaf: ConfigLeaf, schema: TObject): string {
  const value = leaf.schema.default
  if (value === undefined) return isRequired(leaf.path, schema) ? 'required' : 'none'
  if (value === '') return 'empty'
  if (typeof value === 'number') return withUnit(value, leaf.path.at(-1) ?? '')
  return code(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Whether a start without the setting is refused: it and each level above it are required. */
function isRequired(path: readonly string[], schema: LeafSchema): boolean {
  const [key, ...rest] = path
  if (key === undefined) return true
  const child = schema.properties?.[key]
  const { required = [] } = schema as { required?: readonly string[] }
  return child !== undefined && required.includes(key) && isRequired(rest, child)
}

const UNITS = [
  ['GiB', 1024 ** 3],
  ['MiB', 1024 ** 2],
  ['KiB', 1024],
] as const

/** A number, in the largest unit that divides it when the setting counts bytes. */
function withUnit(value: number, setting: string): string {
  const [unit, factor] = UNITS.find(([, size]) => value > 0 && value % size === 0) ?? []
  if (unit === undefined || !/bytes|size/i.test(setting)) return code(String(value))
  return `${code(String(value))} (${value / factor} ${unit})`
}
