import {
  appendParagraphs,
  insertAt,
  isSamePath,
  lineStartWithComments,
  stringValue,
  type TomlStatement,
  tomlStatements,
} from './toml-statements.ts'

/** A `[[registry]]` of a containers-registries.conf(5) file. */
export interface RegistryBlock {
  readonly prefix: string
  /** The block's own text, its mirrors included, ending with a line end. */
  readonly text: string
  readonly start: number
}

/** The registries of a file in order. @throws DamselflyError CONFIG_INVALID that names file and line */
export function registryBlocks(text: string, path: string): RegistryBlock[] {
  const statements = tomlStatements(text, path)
  const starts = statements.flatMap((statement, index) => (isRegistryHeader(statement) ? [index] : []))
  return starts.map(index => {
    const start = statements[index]?.start ?? 0
    const length = statements.slice(index + 1).findIndex(statement => !belongsToRegistry(statement))
    const inside = statements.slice(index, length < 0 ? undefined : index + 1 + length)
    const value = (key: string) => {
      const entry = inside.find(({ kind, path: keys }) => kind === 'entry' && isSamePath(keys, ['registry', key]))
      return entry === undefined ? undefined : stringValue(text, entry)
    }
    const next = statements[index + inside.length]
    const end = next === undefined ? text.length : lineStartWithComments(text, next.start)
    const prefix = value('prefix') || value('location') || ''
    return { prefix, start, text: `${text.slice(start, end).trimEnd()}\n` }
  })
}

/**
 * Makes the mirror the first of a `[[registry]]`, in a block of its own text. One that has it stays as it is.
 * @param location `host:port/path` of the mirror
 */
export function withFirstMirror(block: string, location: string, insecure: boolean, path: string): string {
  const statements = tomlStatements(block, path)
  const isMirrorLocation = ({ path: keys }: TomlStatement) => isSamePath(keys, ['registry', 'mirror', 'location'])
  if (statements.some(entry => isMirrorLocation(entry) && stringValue(block, entry) === location)) return block
  const lines = [
    '[[registry.mirror]]',
    `location = ${JSON.stringify(location)}`,
    ...(insecure ? ['insecure = true'] : []),
  ]
  const mirror = `${lines.join('\n')}\n`
  const table = statements.slice(1).find(({ kind }) => kind !== 'entry')
  return table === undefined ? `${block}${mirror}` : insertAt(block, lineStartWithComments(block, table.start), mirror)
}

/** A registry that says no more than where it is. */
export function plainRegistry(registry: string): string {
  return `[[registry]]\nprefix = ${JSON.stringify(registry)}\nlocation = ${JSON.stringify(registry)}\n`
}

/** Replaces a block of a file by another text, or adds that text at the end. */
export function withBlock(text: string, before: RegistryBlock | undefined, block: string): string {
  if (before === undefined) return appendParagraphs(text, [block])
  const end = before.start + before.text.trimEnd().length
  return text.slice(0, before.start) + block.trimEnd() + text.slice(end)
}

function isRegistryHeader({ kind, path }: TomlStatement): boolean {
  return kind === 'table-array' && isSamePath(path, ['registry'])
}

function belongsToRegistry(statement: TomlStatement): boolean {
  return statement.table[0] === 'registry' && !isRegistryHeader(statement)
}
