import { domainToASCII } from 'node:url'
import { DamselflyError } from '../../../protocol/errors.ts'
import { matchesPattern } from '../../pattern.ts'

/** A server as it is connected to. */
export interface Place {
  /** Lower-case DNS name, IPv4 address, or IPv6 address without brackets. */
  readonly host: string
  readonly port: number
}

/** The server of an http or https URL. */
export function placeOf({ protocol, hostname, port }: URL): Place {
  return { host: withoutBrackets(hostname), port: port === '' ? defaultPort(protocol) : Number(port) }
}

/** The port of URLs without one. @param protocol as in a URL, with its colon */
export function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80
}

/** An IPv6 address without the brackets that it has in URLs; anything else as it is. */
export function withoutBrackets(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** A host as URLs have it. */
export function formatHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host
}

/**
 * Reads patterns of hosts: `host`, `host:port`, with `*` for any characters. Names may be written in any case, and in any script.
 * @param setting that holds them, by dotted path
 * @throws DamselflyError CONFIG_INVALID
 */
export function parseHostPatterns(patterns: readonly string[], setting: string): string[] {
  return patterns.map(text => {
    const [, name = '', port = ''] = /^(\[[0-9A-Fa-f:.*]+\]|[^\s:/?#@[\]]+)(:[0-9*]+)?$/.exec(text) ?? []
    if (name === '') {
      const expected =
        'expected a name or address such as registry.example, *.example or 10.0.0.7:5000, without a scheme'
      throw new DamselflyError('CONFIG_INVALID', `${setting}: "${text}" is not a host; ${expected}`)
    }
    const ascii = /[^ -~]/.test(name) ? domainToASCII(name) : ''
    return `${ascii === '' ? name.toLowerCase() : ascii}${port}`
  })
}

/** Whether one of the patterns means a server. A name with a dot at its end is the name without it. */
export function isListed({ host, port }: Place, patterns: readonly string[]): boolean {
  const name = formatHost(host.replace(/\.$/, ''))
  return patterns.some(pattern => matchesPattern(name, pattern) || matchesPattern(`${name}:${port}`, pattern))
}
