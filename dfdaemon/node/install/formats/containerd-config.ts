import { configProblem, lineAt } from '../config-problem.ts'
import {
  appendParagraphs,
  insertAt,
  isAtOrBelow,
  isSamePath,
  stringValue,
  type TomlStatement,
  tomlStatements,
} from './toml-statements.ts'

/** Where the CRI plugin has its registry settings, by version of the file (contracts §3.1). */
const REGISTRY_TABLES: Readonly<Record<string, readonly string[]>> = {
  '2': ['plugins', 'io.containerd.grpc.v1.cri', 'registry'],
  '3': ['plugins', 'io.containerd.cri.v1.images', 'registry'],
}

/** What containerd's `config.toml` says about registries. */
export interface ContainerdRegistries {
  /** Directories with `hosts.toml` files; undefined when none are set. */
  readonly configPath: string | undefined
  /** The two lines that set a directory; undefined for a version of the file that has no such setting. */
  readonly linesFor: ((directory: string) => string) | undefined
  /** Lines of settings with which containerd refuses a `config_path`. */
  readonly conflictLines: readonly number[]
}

/** @throws DamselflyError CONFIG_INVALID that names file and line */
export function readContainerdConfig(text: string, path: string): ContainerdRegistries {
  const statements = tomlStatements(text, path)
  const table = registryTable(text, statements)
  if (table === undefined) return { configPath: undefined, linesFor: undefined, conflictLines: [] }
  const entry = configPathEntry(statements, table)
  const value = entry === undefined ? undefined : stringValue(text, entry)
  const conflicts = statements.filter(
    statement => isOldMirror(statement.path, table) || isOldTls(statement.path, table),
  )
  return {
    configPath: value === '' ? undefined : value,
    linesFor: directory => `${header(table)}\n  config_path = ${JSON.stringify(directory)}\n`,
    conflictLines: conflicts.map(({ start }) => lineAt(text, start)),
  }
}

/**
 * Sets `config_path` and leaves every other byte alone.
 * @throws DamselflyError CONFIG_INVALID, when containerd would not start with the result or the place cannot be found
 */
export function withConfigPath(text: string, directory: string, path: string): string {
  const { linesFor, conflictLines } = readContainerdConfig(text, path)
  const statements = tomlStatements(text, path)
  const table = registryTable(text, statements)
  if (table === undefined || linesFor === undefined) {
    throw configProblem(path, 1, 'expected version = 2 or version = 3; older files have no config_path')
  }
  const [conflict] = conflictLines
  if (conflict !== undefined) {
    throw configProblem(
      path,
      conflict,
      'containerd refuses config_path beside these settings; move them to hosts.toml files',
    )
  }
  const value = `config_path = ${JSON.stringify(directory)}`
  const entry = configPathEntry(statements, table)
  if (entry !== undefined) return text.slice(0, entry.valueStart) + JSON.stringify(directory) + text.slice(entry.end)
  const found = statements.find(({ kind, path: keys }) => kind === 'table' && isSamePath(keys, table))
  if (found !== undefined) {
    const lineStart = text.lastIndexOf('\n', found.start - 1) + 1
    const lineEnd = text.indexOf('\n', found.end)
    const line = `${text.slice(lineStart, found.start)}  ${value}\n`
    return lineEnd < 0 ? `${text}\n${line}` : insertAt(text, lineEnd + 1, line)
  }
  const inline = statements.find(statement => definesInline(statement, table))
  if (inline !== undefined) {
    throw configProblem(path, lineAt(text, inline.start), `expected the settings as a table ${header(table)}`)
  }
  return appendParagraphs(text, [linesFor(directory)])
}

function registryTable(text: string, statements: readonly TomlStatement[]): readonly string[] | undefined {
  const version = statements.find(({ kind, path }) => kind === 'entry' && isSamePath(path, ['version']))
  return version === undefined ? undefined : REGISTRY_TABLES[text.slice(version.valueStart, version.end)]
}

function configPathEntry(statements: readonly TomlStatement[], table: readonly string[]): TomlStatement | undefined {
  return statements.find(({ kind, path }) => kind === 'entry' && isSamePath(path, [...table, 'config_path']))
}

/** containerd's own dump of its defaults has an empty `mirrors` table, which is no conflict. */
function isOldMirror(path: readonly string[], table: readonly string[]): boolean {
  return path.length > table.length + 1 && isAtOrBelow(path, [...table, 'mirrors'])
}

function isOldTls(path: readonly string[], table: readonly string[]): boolean {
  return isAtOrBelow(path, [...table, 'configs']) && path[table.length + 2] === 'tls'
}

/** TOML lets nobody add a table to what a value or a dotted key has defined. */
function definesInline({ kind, path, table }: TomlStatement, wanted: readonly string[]): boolean {
  if (kind !== 'entry') return false
  return isAtOrBelow(wanted, path) || (isAtOrBelow(path, wanted) && !isAtOrBelow(table, wanted))
}

function header(table: readonly string[]): string {
  return `[${table.map(key => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join('.')}]`
}
