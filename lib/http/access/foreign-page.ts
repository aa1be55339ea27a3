import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { DamselflyError } from '../../../protocol/errors.ts'
import { isLoopbackHost } from '../../config/loopback-only.ts'

/**
 * Refuses what a browser sends for a web page of another site, for APIs to which it is proof enough that somebody reaches them. Any page may send
 * requests to this machine, and read the answers when the page's own name comes to mean 127.0.0.1 (DNS rebinding). So on the loopback
 * `Host` must name the loopback, and a page that a request tells of (`Origin`, Fetch Metadata) must be one of this very server. Runtimes and
 * programs tell of none. Requests over a Unix socket are left alone: no page gets there.
 * @param ownHost host of the address that the server was told to listen at, which may name it too
 * @throws DamselflyError DENIED
 */
export function refuseForeignPage(
  { headers, socket }: Pick<FastifyRequest, 'headers' | 'socket'>,
  ownHost: string,
): void {
  const { localAddress } = socket
  if (localAddress === undefined) return
  const { host, origin, 'sec-fetch-site': site } = headers
  if (site === 'cross-site' || site === 'same-site' || (origin !== undefined && hostOf(origin) !== host)) {
    throw new DamselflyError('DENIED', 'a web page of another site has sent this')
  }
  // Nothing but HTTP/1.0 may leave it out, and no browser does.
  if (host === undefined || !isLoopbackHost(localAddress)) return
  const named = nameOf(host).toLowerCase()
  if (named === ownHost.toLowerCase() || isLoopbackHost(named)) return
  throw new DamselflyError('DENIED', `it was asked for as "${named}"; ask for it as ${localName(localAddress)}`)
}

/** `host:port` of an origin; undefined for `null`. */
function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}

/** A `Host` without its port, and without the brackets of IPv6. */
function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}

function localName(address: string): string {
  return isIP(address) === 6 && !address.startsWith('::ffff:') ? `[${address}]` : address.replace('::ffff:', '')
}
