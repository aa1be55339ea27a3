/** Headers as they were received: name, value, name, value. Keeps order, spelling and repetition. */
export type RawHeaders = readonly string[]

/** Headers that belong to one connection (RFC 9110 §7.6.1), and those that ask the next server rather than the last. */
const HOP_BY_HOP = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const CREDENTIALS = new Set(['authorization', 'cookie'])

/** Without the headers of the connection, among them those that `Connection` names. All others stay as they are. */
export function endToEndHeaders(headers: RawHeaders): string[] {
  const named = new Set(valuesOf(headers, 'connection').flatMap(value => value.toLowerCase().split(/[\s,]+/)))
  return filterHeaders(headers, name => !HOP_BY_HOP.has(name) && !(named.has(name) && !isFraming(name)))
}

/** Without what proves who the client is. */
export function withoutCredentials(headers: RawHeaders): string[] {
  return filterHeaders(headers, name => !CREDENTIALS.has(name))
}

/** With another server in the place of the one that the client named. */
export function withHost(headers: RawHeaders, host: string): string[] {
  return ['Host', host, ...filterHeaders(headers, name => name !== 'host')]
}

/** All values of a header, in order. @param name in lower case */
export function valuesOf(headers: RawHeaders, name: string): string[] {
  return headers.filter((_, index) => index % 2 === 1 && headers[index - 1]?.toLowerCase() === name)
}

/** Whether some header of a request carries credentials. */
export function hasCredentials(headers: RawHeaders): boolean {
  return [...CREDENTIALS].some(name => valuesOf(headers, name).length > 0)
}

// A client must not talk us out of the headers that say where the message ends and whom it is for.
function isFraming(name: string): boolean {
  return name === 'content-length' || name === 'host'
}

function filterHeaders(headers: RawHeaders, keep: (lowerCaseName: string) => boolean): string[] {
  const kept: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const [name = '', value = ''] = [headers[index], headers[index + 1]]
    if (keep(name.toLowerCase())) kept.push(name, value)
  }
  return kept
}
