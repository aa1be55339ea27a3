import { DamselflyError } from '../../protocol/errors.ts'
import type { ConfigLeaf, LeafSchema } from './leaves.ts'

const UNITS: Record<string, number> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  TiB: 1024 ** 4,
}

/**
 * Reads the text of a setting by the type that its schema asks for. Lists are separated by commas, repeatable ones by line
 * ends; numbers may have a unit
 * (K, M, G, T, also with B; KiB, MiB, GiB, TiB). Text that fits no other type stays text, for the schema to judge.
 * @param source where the text comes from, for the error
 * @throws DamselflyError CONFIG_INVALID for what should be a number and is none
 */
export function parseSetting(leaf: ConfigLeaf, text: string, source: string): unknown {
  return parseAs(leaf.schema, text, () => `${leaf.path.join('.')} from ${source}`)
}

/** Reads a value of a YAML file: as it is, but a number may be written as text, so that `256MiB` means the same everywhere. */
export function parseFileSetting(leaf: ConfigLeaf, value: unknown, file: string): unknown {
  return typeof value === 'string' && isNumeric(leaf.schema) ? parseSetting(leaf, value, file) : value
}

function parseAs(schema: LeafSchema, text: string, where: () => string): unknown {
  if (isNumeric(schema)) return parseNumber(text, where)
  if (schema.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (schema.type !== 'array') return text
  const items = text.split(schema.repeatable === true ? '\n' : ',').filter(item => item !== '')
  return schema.items === undefined ? items : items.map(item => parseAs(schema.items ?? {}, item, where))
}

function isNumeric(schema: LeafSchema): boolean {
  return schema.type === 'integer' || schema.type === 'number'
}

function parseNumber(text: string, where: () => string): number {
  const [, digits, unit = ''] = /^(-?\d+(?:\.\d+)?)([KMGT](?:iB|B)?)?$/.exec(text) ?? []
  const factor = UNITS[unit] ?? UNITS[unit.replace(/B$/, '')]
  if (digits === undefined || factor === undefined) {
    throw new DamselflyError('CONFIG_INVALID', `${where()}: "${text}" is not a number`)
  }
  return Number(digits) * factor
}
