import { isIPv4, isIPv6 } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'

/** A server as `CONNECT` and `Host` name it (RFC 3986 §3.2, without user information). */
export interface Authority {
  /** Lower-case DNS name, IPv4 address, or IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

const AUTHORITY = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z._-]+))(?::([1-9][0-9]{0,4}))?$/
const LABEL = /^[0-9a-z_](?:[0-9a-z_-]{0,61}[0-9a-z_])?$/
const NAME_MAX = 253

/**
 * Reads `host:port`, IPv6 in brackets. Strict: whatever a resolver might read in another way than we do is refused.
 * @param defaultPort when the text needs no port
 * @throws DamselflyError REQUEST_INVALID
 */
export function parseAuthority(text: string, defaultPort?: number): Authority {
  const [, bracketed, plain, digits] = AUTHORITY.exec(text) ?? []
  const host = bracketed === undefined ? nameOf(plain ?? '') : addressOf(bracketed)
  const port = digits === undefined ? defaultPort : Number(digits)
  if (host === undefined || port === undefined || port > 65_535) {
    throw new DamselflyError('REQUEST_INVALID', 'expected host:port, an IPv6 address in brackets')
  }
  return { host, port }
}

/** `host:port`; the port is left out where it is the default. */
export function formatAuthority({ host, port }: Authority, defaultPort?: number): string {
  const name = isIPv6(host) ? `[${host}]` : host
  return port === defaultPort ? name : `${name}:${port}`
}

/** A DNS name or IPv4 address in its one spelling; undefined when it is neither. */
function nameOf(text: string): string | undefined {
  const name = text.toLowerCase()
  const labels = name.split('.')
  if (name.length > NAME_MAX || !labels.every(label => LABEL.test(label))) return undefined
  // `127.1`, `0x7f.1` and `2130706433` are addresses to some resolvers.
  if (/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')) return isIPv4(name) ? name : undefined
  return name
}

/** An IPv6 address in its one spelling. */
function addressOf(text: string): string | undefined {
  return isIPv6(text) ? new URL(`http://[${text}]`).hostname.slice(1, -1) : undefined
}
