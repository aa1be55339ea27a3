import type { LeafSchema } from './leaves.ts'

/** What a validator says about one value; the parts that are read here. */
export interface ConfigProblem {
  readonly keyword: string
  readonly instancePath: string
  readonly message: string
  readonly params: unknown
}

/**
 * Tells a person which setting is wrong, where it came from and what was expected.
 * @param problems what the validator found, at least one
 * @param origins source of each given setting, by dotted path
 */
export function describeProblem(
  problems: readonly ConfigProblem[],
  schema: LeafSchema,
  origins: ReadonlyMap<string, string>,
): string {
  const [problem] = problems
  if (problem === undefined) return 'the settings do not match the schema'
  const keys = problem.instancePath.split('/').slice(1).map(unescapePointer)
  const missing = (problem.params as { requiredProperties?: string[] }).requiredProperties
  if (missing !== undefined) return `${missing.map(key => [...keys, key].join('.')).join(', ')} is required`

  const { setting, leaf } = settingAt(keys, schema)
  const source = origins.get(setting)
  const choices = leaf.anyOf?.map(choice => choice.const).filter(choice => choice !== undefined) ?? []
  // A key of a mapping or list item that the schema does not have.
  const told = problem.keyword === 'boolean' ? 'is no setting' : problem.message
  const expected = choices.length > 0 ? `must be one of ${choices.join(', ')}` : told
  return `${keys.join('.')}${source === undefined ? '' : ` from ${source}`} ${expected}`
}

/** The setting that a path leads to or into: items of a list belong to the list. */
function settingAt(keys: readonly string[], schema: LeafSchema): { setting: string; leaf: LeafSchema } {
  const path: string[] = []
  let leaf = schema
  for (const key of keys) {
    const child = leaf.properties?.[key]
    if (child === undefined) break
    path.push(key)
    leaf = child
  }
  return { setting: path.join('.'), leaf }
}

function unescapePointer(text: string): string {
  return text.replaceAll('~1', '/').replaceAll('~0', '~')
}
