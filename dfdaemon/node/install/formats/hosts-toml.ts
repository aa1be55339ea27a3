import { configProblem, lineAt } from '../config-problem.ts'
import {
  appendParagraphs,
  insertAt,
  isSamePath,
  lineStartWithComments,
  type TomlStatement,
  tomlStatements,
} from './toml-statements.ts'

/** Certificates for the registry itself, by file name beside the `hosts.toml`. */
export interface HostCertificates {
  readonly ca: readonly string[]
  /** Certificate and key. */
  readonly client: readonly (readonly [string, string])[]
}

/**
 * Makes the mirror the first host of a `hosts.toml` (contracts §3.1). What is there stays as it is; a mirror that is there
 * already stays where it is.
 * @param text the file; empty for a new one, which names no server so that each image's own registry comes last
 * @throws DamselflyError CONFIG_INVALID that names file and line
 */
export function withMirrorHost(text: string, mirror: string, path: string): string {
  const statements = tomlStatements(text, path)
  const inline = statements.find(
    ({ kind, path: [first], table }) => kind === 'entry' && table.length === 0 && first === 'host',
  )
  if (inline !== undefined) {
    const problem = 'hosts are not written as [host."URL"] tables; nothing can be added to them'
    throw configProblem(path, lineAt(text, inline.start), problem)
  }
  if (statements.some(({ path: [first, url = ''] }) => first === 'host' && url.replace(/\/+$/, '') === mirror))
    return text
  const block = `[host.${JSON.stringify(mirror)}]\n  capabilities = ["pull", "resolve"]\n`
  return insertBeforeTables(text, statements, block)
}

/** Adds certificates for the registry itself to a `hosts.toml`. @throws DamselflyError CONFIG_INVALID that names file and line */
export function withCertificates(text: string, { ca, client }: HostCertificates, path: string): string {
  return withRootItems(withRootItems(text, 'ca', ca, path), 'client', client, path)
}

function withRootItems(text: string, key: string, items: readonly unknown[], path: string): string {
  const statements = tomlStatements(text, path)
  const found = statements.find(statement => statement.kind === 'entry' && isSamePath(statement.path, [key]))
  const raw = found === undefined ? '' : text.slice(found.valueStart, found.end)
  const missing = items.map(item => JSON.stringify(item)).filter(item => !raw.includes(item))
  if (missing.length === 0) return text
  if (found === undefined) return insertBeforeTables(text, statements, `${key} = [${missing.join(', ')}]\n`)
  const list = raw.startsWith('[') ? raw.slice(1) : `${raw}]`
  const separator = /^\s*\]/.test(list) ? '' : ', '
  return `${text.slice(0, found.valueStart)}[${missing.join(', ')}${separator}${list}${text.slice(found.end)}`
}

/** Root keys have to come before all tables, and the first host is tried first. */
function insertBeforeTables(text: string, statements: readonly TomlStatement[], block: string): string {
  const first = statements.find(({ kind }) => kind !== 'entry')
  if (first === undefined) return appendParagraphs(text, [block])
  return insertAt(text, lineStartWithComments(text, first.start), `${block}\n`)
}
