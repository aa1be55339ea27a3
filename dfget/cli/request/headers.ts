import { DamselflyError } from '../../../protocol/errors.ts'

/** Field names and values by RFC 9110 §5.1 and §5.5. */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*$/s
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Reads `Name: value` texts into headers by lower-case name. Values of a repeated name are joined by commas.
 * @throws DamselflyError REQUEST_INVALID; the message does not show the value, which may be a secret
 */
export function parseHeaders(texts: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>()
  for (const text of texts) {
    const [, name, value = ''] = HEADER.exec(text) ?? []
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
