import { DamselflyError } from './errors.ts'

/** One challenge of a `WWW-Authenticate` header (RFC 9110 §11.6.1). */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string
  /** Parameters by lower-case name, unquoted. */
  readonly params: Readonly<Record<string, string>>
  /** What schemes such as Negotiate send instead of parameters. */
  readonly token68?: string
}

/** What a registry's Bearer challenge asks for (distribution token authentication specification). */
export interface BearerChallenge {
  /** URL of the token service. */
  readonly realm: string
  readonly service?: string
  /** Space-separated scopes, `repository:library/nginx:pull`. */
  readonly scope?: string
  /** Why a token was refused, for example `insufficient_scope` (RFC 6750 §3.1). */
  readonly error?: string
}

const TOKEN = /[!#$%&'*+\-.^_`|~\dA-Za-z]+/y
const TOKEN68 = /[A-Za-z\d\-._~+/]+=*/y
const PARAM =
  /([!#$%&'*+\-.^_`|~\dA-Za-z]+)[ \t]*=[ \t]*(?:([!#$%&'*+\-.^_`|~\dA-Za-z]+)|"((?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*)")/y
const SPACES = / +/y
const OWS = /[ \t]*/y
const SEPARATORS = /[ \t]*(?:,[ \t]*)+/y

/**
 * Reads a `WWW-Authenticate` header; several header lines are joined by commas first. Returns undefined for a missing,
 * empty or malformed header, and for a parameter that a challenge repeats.
 */
export function parseChallenges(header: string | undefined): Challenge[] | undefined {
  if (header === undefined) return undefined
  const reader = createReader(header)
  const challenges: Challenge[] = []
  reader.take(SEPARATORS) ?? reader.take(OWS)
  while (!reader.atEnd()) {
    const challenge = readChallenge(reader)
    if (challenge === undefined) return undefined
    challenges.push(challenge)
  }
  return challenges.length === 0 ? undefined : challenges
}

/** The first Bearer challenge of a header that names a realm. */
export function bearerChallenge(header: string | undefined): BearerChallenge | undefined {
  for (const { scheme, params } of parseChallenges(header) ?? []) {
    const { realm, service, scope, error } = params
    if (scheme !== 'bearer' || realm === undefined) continue
    return {
      realm,
      ...(service === undefined ? {} : { service }),
      ...(scope === undefined ? {} : { scope }),
      ...(error === undefined ? {} : { error }),
    }
  }
  return undefined
}

/**
 * Writes a `WWW-Authenticate` header. Values are always quoted, as registry clients expect.
 * @throws DamselflyError INTERNAL for a name or value that a header cannot carry
 */
export function formatChallenges(challenges: readonly Challenge[]): string {
  return challenges.map(formatChallenge).join(', ')
}

function formatChallenge({ scheme, params, token68 }: Challenge): string {
  const name = checked(scheme, TOKEN)
  const title = `${name.charAt(0).toUpperCase()}${name.slice(1)}`
  if (token68 !== undefined) return `${title} ${checked(token68, TOKEN68)}`
  const list = Object.entries(params).map(([key, value]) => `${checked(key, TOKEN)}="${escapeQuoted(value)}"`)
  return list.length === 0 ? title : `${title} ${list.join(',')}`
}

function escapeQuoted(value: string): string {
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) throw new DamselflyError('INTERNAL', 'not a header value')
  return value.replace(/["\\]/g, '\\$&')
}

function checked(text: string, pattern: RegExp): string {
  const reader = createReader(text)
  if (reader.take(pattern) === undefined || !reader.atEnd()) throw new DamselflyError('INTERNAL', 'not a header token')
  return text
}

/** Reads one challenge and the separators after it. A token followed by `=` is a parameter, any other a new scheme. */
function readChallenge(reader: Reader): Challenge | undefined {
  const scheme = reader.take(TOKEN)?.[0].toLowerCase()
  if (scheme === undefined) return undefined
  const params = new Map<string, string>()

  if (reader.take(SPACES) !== undefined && !reader.atSeparator()) {
    let param = reader.take(PARAM)
    if (param === undefined) {
      const token68 = reader.take(TOKEN68)?.[0]
      return token68 === undefined || !reader.endElement() ? undefined : { scheme, params: {}, token68 }
    }
    while (param !== undefined) {
      const [, name = '', token, quoted = ''] = param
      const key = name.toLowerCase()
      if (params.has(key)) return undefined
      params.set(key, token ?? quoted.replace(/\\(.)/gs, '$1'))
      if (!reader.endElement()) return undefined
      param = reader.take(PARAM)
    }
    return { scheme, params: Object.fromEntries(params) }
  }
  return reader.endElement() ? { scheme, params: {} } : undefined
}

interface Reader {
  /** Consumes a match of a sticky pattern at the current position. */
  take(pattern: RegExp): RegExpExecArray | undefined
  atEnd(): boolean
  atSeparator(): boolean
  /** Consumes what ends a list element: commas, or the end of the text. */
  endElement(): boolean
}

function createReader(text: string): Reader {
  let position = 0
  const take: Reader['take'] = pattern => {
    pattern.lastIndex = position
    const match = pattern.exec(text)
    if (match === null) return undefined
    position += match[0].length
    return match
  }
  return {
    take,
    atEnd: () => position === text.length,
    atSeparator: () => position === text.length || text[position] === ',',
    endElement() {
      if (take(SEPARATORS) !== undefined) return true
      take(OWS)
      return position === text.length
    },
  }
}
