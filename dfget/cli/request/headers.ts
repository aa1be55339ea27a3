import { DamselflyError } from '../../../protocol/errors.ts'

/** Field names and values by RFC 9110 §5.1 and §5.5. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/s
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Reads `Name: value` texts into headers by lower-case name. Values of a repeated name are joined by commas.
 * @throws DamselflyError REQUEST_INVALID; the message does not show the value, which may be a secret
 */
export function parseHeaders(texts: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>()
  for (const text of texts) {
    const [, name, written = ''] = HEADER.exec(text) ?? []
    const value = withoutBlanksAround(written)
    if (name === undefined) throw new DamselflyError('REQUEST_INVALID', "a header is written 'Name: value'")
    if (!VALUE.test(value)) {
      throw new DamselflyError('REQUEST_INVALID', `the value of header ${name} has characters that HTTP does not allow`)
    }
    const key = name.toLowerCase()
    const before = headers.get(key)
    headers.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return Object.fromEntries(headers)
}

/** Without blanks and tabs at both ends. A regular expression for the end would take time by the square of their number. */
function withoutBlanksAround(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}
