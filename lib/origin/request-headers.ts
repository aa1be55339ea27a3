/** Headers by lower-case name. */
export type HeaderRecord = Readonly<Record<string, string>>

const HOP_BY_HOP = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const MAY_CROSS_ORIGINS = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'cache-control',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'range',
  'user-agent',
])

/**
 * A requester's headers as the first request to an origin carries them: hop-by-hop headers and `Host` are not ours to pass
 * on (RFC 9110 §7.6.1), an `Authorization` without user and password is none, and encoded content is not asked for.
 */
export function upstreamHeaders(headers: HeaderRecord): HeaderRecord {
  const kept = Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), value] as const)
    .filter(([name, value]) => !HOP_BY_HOP.has(name) && !(name === 'authorization' && isAnonymous(value)))
  return { accept: '*/*', 'user-agent': 'damselfly', ...Object.fromEntries(kept), 'accept-encoding': 'identity' }
}

/**
 * What of the headers may go to another origin: a list of what is harmless, because beside `Authorization` and `Cookie`
 * credentials travel under names of an API's own choice.
 */
export function crossOriginHeaders(headers: HeaderRecord): HeaderRecord {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => MAY_CROSS_ORIGINS.has(name)))
}

/** Some clients without credentials send `Basic Og==`, an empty user and password (contracts §0 rule 10). */
export function isAnonymous(authorization: string): boolean {
  const text = authorization.trimEnd().toLowerCase()
  return text === '' || text === 'basic' || /^basic\s+og==$/.test(text)
}

/**
 * The headers of a request for content: the requester's, without conditions and ranges of its own.
 * @param range `Range` to ask for
 * @param validator `If-Range` to go with it, so that changed content comes whole instead of in a wrong part
 */
export function contentRequestHeaders(headers: HeaderRecord, range?: string, validator?: string): HeaderRecord {
  const kept = Object.entries(headers).filter(([name]) => !/^(?:if-.*|range)$/i.test(name))
  return {
    ...Object.fromEntries(kept),
    ...(range === undefined ? {} : { range }),
    ...(range === undefined || validator === undefined ? {} : { 'if-range': validator }),
  }
}
