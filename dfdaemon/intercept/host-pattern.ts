import { isIP } from 'node:net'
import { DamselflyError } from '../../protocol/errors.ts'
import { type Authority, parseAuthority } from './authority.ts'

/** Which servers an entry of the configuration means. */
export interface HostPattern {
  /** `suffix` means all names that end in `.name`. */
  readonly kind: 'any' | 'exact' | 'suffix'
  /** As in {@link Authority}; empty for `any`. */
  readonly name: string
  /** Undefined when the entry names none. */
  readonly port: number | undefined
}

/** Stands for "no port" while an entry is read; no entry can contain it. */
const NO_PORT = 0

/** Reads `host`, `*.suffix` or `*`, each with or without `:port`. @throws DamselflyError CONFIG_INVALID */
export function parseHostPattern(text: string): HostPattern {
  const [, wildcard = '', rest = ''] = /^(\*\.|\*(?=$|:))?(.*)$/s.exec(text) ?? []
  try {
    const { host, port: number } = parseAuthority(wildcard === '*' ? `any${rest}` : rest, NO_PORT)
    const port = number === NO_PORT ? undefined : number
    if (wildcard === '*') return { kind: 'any', name: '', port }
    if (wildcard !== '' && isIP(host) !== 0) throw new DamselflyError('REQUEST_INVALID')
    return { kind: wildcard === '' ? 'exact' : 'suffix', name: host, port }
  } catch (error) {
    const expected = 'expected host, host:port, *.suffix or *, an IPv6 address in brackets'
    throw new DamselflyError('CONFIG_INVALID', `"${text}" is not a host: ${expected}`, { cause: error })
  }
}

/** Reads the hosts to intercept, where `*` means nothing: a certificate authority for every host shall not exist. */
export function parseInterceptedHost(text: string): HostPattern {
  const pattern = parseHostPattern(text)
  if (pattern.kind !== 'any') return pattern
  throw new DamselflyError('CONFIG_INVALID', 'intercept.hosts: "*" is not allowed here; name the hosts, or *.suffix')
}

/** Whether a pattern means this server. A pattern without a port means the given ones. */
export function matchesHost(pattern: HostPattern, { host, port }: Authority, ports: readonly number[]): boolean {
  const portFits = pattern.port === undefined ? ports.includes(port) : pattern.port === port
  return portFits && matchesName(pattern, host)
}

function matchesName({ kind, name }: HostPattern, host: string): boolean {
  if (kind === 'any') return true
  return kind === 'exact' ? host === name : host.endsWith(`.${name}`)
}
