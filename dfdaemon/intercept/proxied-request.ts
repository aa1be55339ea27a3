import type { IncomingMessage } from 'node:http'
import { DamselflyError } from '../../protocol/errors.ts'
import { type Authority, formatAuthority, parseAuthority } from './authority.ts'
import { valuesOf } from './proxied-headers.ts'
import type { ProxiedTarget } from './rules.ts'

const DEFAULT_PORTS = { http: 80, https: 443 } as const
const ABSOLUTE_FORM = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?#]*)([^#]*)$/

/** Whether a request target names its server (RFC 9112 §3.2.2), as those sent to a proxy do. */
export function isAbsoluteForm(requestTarget: string): boolean {
  return ABSOLUTE_FORM.test(requestTarget)
}

/** What an absolute-form target of a plain http server says. @throws DamselflyError REQUEST_INVALID */
export function parsePlainTarget(requestTarget: string): { authority: Authority; path: string } {
  const [, scheme = '', authority = '', path = ''] = ABSOLUTE_FORM.exec(requestTarget) ?? []
  if (scheme.toLowerCase() !== 'http') {
    throw new DamselflyError('REQUEST_INVALID', 'only http:// is asked for in this way; https needs CONNECT')
  }
  return { authority: parseAuthority(authority, DEFAULT_PORTS.http), path: path.startsWith('/') ? path : `/${path}` }
}

/**
 * What is asked for on an intercepted connection, whose server is the one that `CONNECT` named.
 * @throws DamselflyError REQUEST_INVALID
 */
export function interceptedTarget(request: IncomingMessage, authority: Authority): ProxiedTarget {
  const [, scheme = '', named, rest = ''] = ABSOLUTE_FORM.exec(request.url ?? '') ?? []
  if (named !== undefined && (scheme.toLowerCase() !== 'https' || !isSame(parseAuthority(named, 443), authority))) {
    throw new DamselflyError('REQUEST_INVALID', 'the request names another server than its connection is to')
  }
  const path = named === undefined ? (request.url ?? '') : rest.startsWith('/') ? rest : `/${rest}`
  return targetOf('https', request, authority, path)
}

/** What is asked of a plain http server. @throws DamselflyError REQUEST_INVALID */
export function plainTarget(request: IncomingMessage): ProxiedTarget {
  const { authority, path } = parsePlainTarget(request.url ?? '')
  return targetOf('http', request, authority, path)
}

function targetOf(
  scheme: 'http' | 'https',
  request: IncomingMessage,
  authority: Authority,
  path: string,
): ProxiedTarget {
  if (!path.startsWith('/')) throw new DamselflyError('REQUEST_INVALID', 'expected a path that begins with a slash')
  requireHost(request, authority, DEFAULT_PORTS[scheme])
  requireKnownFraming(request)
  return { origin: `${scheme}://${formatAuthority(authority, DEFAULT_PORTS[scheme])}`, path }
}

/** One `Host` that means the server the request goes to; two servers along the way must not read it differently. */
function requireHost({ rawHeaders, httpVersion }: IncomingMessage, authority: Authority, defaultPort: number): void {
  const hosts = valuesOf(rawHeaders, 'host')
  const [host] = hosts
  if (host === undefined && httpVersion === '1.0') return
  if (host === undefined || hosts.length > 1) throw new DamselflyError('REQUEST_INVALID', 'expected one Host header')
  if (!isSame(parseAuthority(host, defaultPort), authority)) {
    throw new DamselflyError('REQUEST_INVALID', 'the Host header names another server than the request goes to')
  }
}

/** Node's parser refuses what is ambiguous, but takes codings before `chunked`, which would be lost on the way. */
function requireKnownFraming({ rawHeaders }: IncomingMessage): void {
  const codings = valuesOf(rawHeaders, 'transfer-encoding')
  if (codings.length === 0 || (codings.length === 1 && codings[0]?.toLowerCase() === 'chunked')) return
  throw new DamselflyError('REQUEST_INVALID', 'expected no transfer coding but chunked')
}

function isSame(a: Authority, b: Authority): boolean {
  return a.host === b.host && a.port === b.port
}
