import { configProblem, lineAt } from '../config-problem.ts'

/** One statement of a TOML file: a table's header or a key with its value. Offsets are into the text. */
export interface TomlStatement {
  readonly kind: 'table' | 'table-array' | 'entry'
  /** Full path: for an entry, that of its table and its own keys. */
  readonly path: readonly string[]
  /** Path of the table that the statement is in; a header's own. */
  readonly table: readonly string[]
  readonly start: number
  /** Where the statement ends: behind the value or the closing bracket, before a comment. */
  readonly end: number
  /** Where an entry's value begins; `end` for a header. */
  readonly valueStart: number
}

const BLANK = /(?:[ \t\r\n]+|#[^\n]*)*/y
const KEY = /[ \t]*(?:([A-Za-z0-9_-]+)|"((?:[^"\\\n]|\\.)*)"|'([^'\n]*)')[ \t]*/y
const VALUE_TOKEN =
  /"""(?:[^\\]|\\[\s\S])*?"""|'''[\s\S]*?'''|"(?!"")(?:[^"\\\n]|\\.)*"|'(?!'')[^'\n]*'|#[^\n]*|[[{]|[\]}]|\n|[^"'#[\]{}\n]+/y

/**
 * Finds the statements of a TOML file without reading the values (TOML 1.0). Enough to put something in at the right place
 * and leave every other byte alone; a file that is not TOML may pass.
 * @throws DamselflyError CONFIG_INVALID that names file and line
 */
export function tomlStatements(text: string, path: string): TomlStatement[] {
  const statements: TomlStatement[] = []
  let table: readonly string[] = []
  let offset = text.startsWith('\uFEFF') ? 1 : 0

  const fail = (problem: string, at = offset) => configProblem(path, lineAt(text, at), problem)
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = offset
    const match = pattern.exec(text)
    if (match !== null) offset = pattern.lastIndex
    return match
  }
  const takeText = (expected: string): boolean => {
    if (!text.startsWith(expected, offset)) return false
    offset += expected.length
    return true
  }
  const takeKeys = (): string[] => {
    const keys: string[] = []
    do {
      const match = take(KEY)
      if (match === null) throw fail('expected a key')
      keys.push(match[1] ?? (match[2] === undefined ? (match[3] ?? '') : unescaped(match[2])))
    } while (takeText('.'))
    return keys
  }
  /** Reads over a value. Line ends count only outside of brackets. */
  const takeValue = (start: number): number => {
    let depth = 0
    let end = start
    while (offset < text.length) {
      const [token] = take(VALUE_TOKEN) ?? []
      if (token === undefined) throw fail('a string does not end')
      if (token === '\n' && depth === 0) break
      if (/^[[{]$/.test(token)) depth += 1
      if (/^[\]}]$/.test(token)) depth -= 1
      if (!token.startsWith('#') && token.trim() !== '') end = offset - (token.length - token.trimEnd().length)
    }
    if (depth !== 0) throw fail('a bracket does not match', start)
    if (end === start) throw fail('expected a value', start)
    return end
  }

  for (take(BLANK); offset < text.length; take(BLANK)) {
    const start = offset
    const isTable = takeText('[')
    const isArray = isTable && takeText('[')
    const keys = takeKeys()
    if (isTable) {
      if (!takeText(isArray ? ']]' : ']')) throw fail('the header of a table does not end', start)
      table = keys
      const kind = isArray ? 'table-array' : 'table'
      statements.push({ kind, path: keys, table, start, end: offset, valueStart: offset })
      if (!/^[ \t\r]*(?:#[^\n]*)?(?:\n|$)/.test(text.slice(offset))) throw fail('expected the end of the line')
      continue
    }
    if (!takeText('=')) throw fail('expected "="', start)
    take(/[ \t]*/y)
    const valueStart = offset
    const end = takeValue(valueStart)
    statements.push({ kind: 'entry', path: [...table, ...keys], table, start, end, valueStart })
  }
  return statements
}

/** Whether a statement is in a path: about the thing itself or something below it. */
export function isAtOrBelow(path: readonly string[], ancestor: readonly string[]): boolean {
  return ancestor.every((key, index) => path[index] === key)
}

export function isSamePath(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && isAtOrBelow(one, other)
}

/** The text of a value that is one string; undefined for other values. */
export function stringValue(text: string, { valueStart, end }: TomlStatement): string | undefined {
  const raw = text.slice(valueStart, end)
  if (/^'(?!'')[^'\n]*'$/.test(raw)) return raw.slice(1, -1)
  return /^"(?!"")(?:[^"\\\n]|\\.)*"$/.test(raw) ? unescaped(raw.slice(1, -1)) : undefined
}

/** Puts text in at an offset. */
export function insertAt(text: string, offset: number, inserted: string): string {
  return text.slice(0, offset) + inserted + text.slice(offset)
}

/** The beginning of the line that an offset is in, or of the comment lines right above it, which belong to it. */
export function lineStartWithComments(text: string, offset: number): number {
  let start = text.lastIndexOf('\n', offset - 1) + 1
  while (start > 0) {
    const before = text.lastIndexOf('\n', start - 2) + 1
    if (!/^\s*#/.test(text.slice(before, start))) break
    start = before
  }
  return start
}

/** Adds paragraphs at the end, with an empty line before each. */
export function appendParagraphs(text: string, paragraphs: readonly string[]): string {
  return paragraphs.reduce((before, paragraph) => {
    if (before.trim() === '') return before + paragraph
    return `${before}${before.endsWith('\n') ? '' : '\n'}\n${paragraph}`
  }, text)
}

function unescaped(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string
  } catch {
    return raw
  }
}
