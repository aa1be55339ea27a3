import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml'
import { configProblem, lineAt } from '../config-problem.ts'

/** What k3s shall have in its `registries.yaml`. */
export interface K3sRegistries {
  readonly mirror: string
  /** Names of registries; `*` for all that have no entry of their own. */
  readonly registries: readonly string[]
  /** Path of a certificate to trust for these registries. */
  readonly caFile: string | undefined
}

/**
 * Makes the mirror the first endpoint of registries in a `registries.yaml` (contracts §3.3). Comments and all other settings
 * stay; a file that needs no change stays byte for byte.
 * @throws DamselflyError CONFIG_INVALID that names file and line
 */
export function withK3sRegistries(text: string, { mirror, registries, caFile }: K3sRegistries, path: string): string {
  const lineCounter = new LineCounter()
  const document = parsed(text, path, lineCounter)
  const edit: Edit = { document, path, lineOf: offset => lineCounter.linePos(offset).line, changed: false }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    // Keeps the comments of a file that has nothing else.
    const comment = document.contents?.commentBefore ?? document.contents?.comment
    document.contents = document.createNode({})
    if (comment != null) document.contents.commentBefore = comment
  }
  const root = document.contents
  if (!isMap(root)) throw problem(edit, root, 'expected a map with "mirrors" and "configs"')
  for (const registry of registries) {
    addEndpoint(edit, mapIn(edit, mapIn(edit, root, 'mirrors'), registry), mirror)
    if (caFile !== undefined)
      setCa(edit, mapIn(edit, mapIn(edit, mapIn(edit, root, 'configs'), registry), 'tls'), caFile)
  }
  if (!edit.changed) return text
  const written = readable(path, () => document.toString({ lineWidth: 0 }))
  // There are files that are written back as what nobody can read.
  parsed(written, path)
  return written
}

/** The registries that have a mirror entry of their own. @throws DamselflyError CONFIG_INVALID that names file and line */
export function k3sMirrorNames(text: string, path: string): string[] {
  const document = parsed(text, path)
  const content: unknown = readable(path, () => document.toJS())
  const mirrors = (content as { mirrors?: unknown } | null)?.mirrors
  return typeof mirrors === 'object' && mirrors !== null ? Object.keys(mirrors) : []
}

function parsed(text: string, path: string, lineCounter = new LineCounter()): Document {
  const loneReturn = /\r(?!\n)/.exec(text)
  if (loneReturn !== null) {
    // Some take it for the end of a line, others for a part of it.
    const line = lineAt(text, loneReturn.index)
    throw configProblem(path, line, 'a carriage return ends no line here; write line feeds')
  }
  const document: Document = readable(path, () => parseDocument(text, { lineCounter, stringKeys: true }))
  const [error] = document.errors
  if (error === undefined) return document
  throw configProblem(path, error.linePos?.[0].line ?? 1, error.message.split('\n')[0] ?? error.message, error)
}

/** What the parser finds only on the way: an alias of nothing, or too many of them; more levels than it has room for. */
function readable<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw configProblem(path, 1, (error as Error).message, error)
  }
}

interface Edit {
  readonly document: Document
  readonly path: string
  readonly lineOf: (offset: number) => number
  changed: boolean
}

function mapIn(edit: Edit, parent: YAMLMap, key: string): YAMLMap {
  const child = resolved(edit, parent.get(key, true))
  if (isMap(child)) return child
  if (child !== undefined && !(isScalar(child) && child.value === null)) {
    throw problem(edit, child, `expected "${key}" to be a map`)
  }
  const made = edit.document.createNode({}) as YAMLMap
  parent.set(key, made)
  edit.changed = true
  return made
}

function addEndpoint(edit: Edit, registry: YAMLMap, mirror: string): void {
  const list = resolved(edit, registry.get('endpoint', true))
  if (list === undefined || (isScalar(list) && list.value === null)) {
    registry.set('endpoint', edit.document.createNode([mirror]))
  } else if (!isSeq(list)) {
    throw problem(edit, list, 'expected "endpoint" to be a list')
  } else {
    const urls = list.items.map(item => (isScalar(item) ? String(item.value).replace(/\/+$/, '') : ''))
    if (urls.includes(mirror)) return
    list.items.unshift(edit.document.createNode(mirror))
  }
  edit.changed = true
}

function setCa(edit: Edit, tls: YAMLMap, caFile: string): void {
  const current = tls.get('ca_file')
  if (current === caFile) return
  if (current !== undefined && current !== null && current !== '') {
    const node = tls.get('ca_file', true)
    throw problem(edit, node, 'there is a ca_file already, and k3s takes only one; add the certificate to that file')
  }
  tls.set('ca_file', caFile)
  edit.changed = true
}

/** What an alias stands for. A change to it shows wherever its anchor is used, so it is refused. */
function resolved(edit: Edit, node: unknown): unknown {
  if (isAlias(node)) throw problem(edit, node, 'an alias stands where an endpoint would be added; write it out')
  return node
}

function problem(edit: Edit, node: unknown, text: string): Error {
  const range = (node as { range?: readonly number[] | null } | null)?.range
  return configProblem(edit.path, edit.lineOf(range?.[0] ?? 0), text)
}
