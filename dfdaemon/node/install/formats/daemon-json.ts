import { configProblem, lineAt } from '../config-problem.ts'

/** A member of the outermost object: where its key begins and its value lies. */
interface Member {
  readonly key: string
  readonly start: number
  readonly valueStart: number
  readonly valueEnd: number
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/**
 * Puts a text in front of a list in a JSON object, and makes the list where there is none. All other bytes stay.
 * @param text the file; one of white space only counts as none
 * @throws DamselflyError CONFIG_INVALID that names file and line
 */
export function withFirstInList(text: string, key: string, item: string, path: string): string {
  if (text.trim() === '') return `${JSON.stringify({ [key]: [item] }, undefined, 2)}\n`
  const value = parse(text, path)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw configProblem(path, lineAt(text, text.search(/\S/)), 'expected a JSON object')
  }
  const members = membersOf(text)
  // The last of several members counts, as for JSON.parse and for dockerd.
  const member = members.findLast(candidate => candidate.key === key)
  if (member === undefined) return withMember(text, members.at(-1), `${JSON.stringify(key)}: [${JSON.stringify(item)}]`)
  const list: unknown = JSON.parse(text.slice(member.valueStart, member.valueEnd))
  if (!Array.isArray(list) || list.some(entry => typeof entry !== 'string')) {
    throw configProblem(path, lineAt(text, member.start), `expected "${key}" to be a list of strings`)
  }
  return list.some(entry => isSameUrl(entry, item)) ? text : withItem(text, member, list.length, item)
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const { message } = error as Error
    const [, position] = /position (\d+)/.exec(message) ?? []
    // What is missing is missing behind the last line that has something.
    const line = lineAt(text, Math.min(Number(position ?? text.length), text.trimEnd().length))
    throw configProblem(path, line, message.replace(/ in JSON at position .*$/s, ''), error)
  }
}

/** Members of an object that `JSON.parse` has taken, so that only nesting is to be watched. */
function membersOf(text: string): Member[] {
  const members: Member[] = []
  let depth = 0
  let start = -1
  let valueStart = -1
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (depth === 1 && start < 0 && token.startsWith('"')) {
      start = index
      continue
    }
    if (depth === 1 && (token === ',' || token === '}')) start = -1
    else if (depth === 1 && token === ':' && valueStart < 0) continue
    else if (depth === 1 && start >= 0) valueStart = index
    if (token === '{' || token === '[') depth += 1
    else if (token === '}' || token === ']') depth -= 1
    if (depth === 1 && valueStart >= 0 && start >= 0) {
      const [key = ''] = /^"(?:[^"\\]|\\.)*"/.exec(text.slice(start)) ?? []
      members.push({ key: JSON.parse(key), start, valueStart, valueEnd: index + token.length })
      valueStart = -1
    }
  }
  return members
}

function withMember(text: string, last: Member | undefined, member: string): string {
  const open = text.indexOf('{') + 1
  if (last === undefined) return `${text.slice(0, open)}\n  ${member}\n${text.slice(text.lastIndexOf('}'))}`
  const [lead = ''] = /^\s*/.exec(text.slice(open)) ?? []
  const separator = lead.includes('\n') ? lead : ' '
  return `${text.slice(0, last.valueEnd)},${separator}${member}${text.slice(last.valueEnd)}`
}

function withItem(text: string, { valueStart }: Member, length: number, item: string): string {
  const open = valueStart + 1
  const [lead = ''] = /^\s*/.exec(text.slice(open)) ?? []
  if (length === 0) return `${text.slice(0, open)}${JSON.stringify(item)}${text.slice(open + lead.length)}`
  const separator = lead.includes('\n') ? lead : ' '
  return `${text.slice(0, open)}${lead}${JSON.stringify(item)},${separator}${text.slice(open + lead.length)}`
}

function isSameUrl(one: string, other: string): boolean {
  return one.replace(/\/+$/, '') === other.replace(/\/+$/, '')
}
