import type { NamedPlace } from '../../lib/origin/outbound/policy.ts'
import type { Authority } from './authority.ts'
import type { InterceptConfig } from './config.ts'
import { type HostPattern, matchesHost, parseHostPattern, parseInterceptedHost } from './host-pattern.ts'

/** Which servers clients reach through the proxy, and how. Whatever is not listed is refused: no open proxy. */
export interface ReachableHosts {
  /** Whose connections are decrypted. */
  readonly intercepted: readonly HostPattern[]
  /** What a `CONNECT` to a server leads to. */
  connect(target: Authority): 'intercept' | 'tunnel' | 'refuse'
  /** Whether a plain http server may be asked. */
  allowsPlain(target: Authority): boolean
  /** Servers that the configuration names by host and port, not by a pattern. */
  readonly named: readonly NamedPlace[]
}

const PLAIN_PORT = 80

/** @throws DamselflyError CONFIG_INVALID */
export function createReachableHosts({ hosts, connect }: Pick<InterceptConfig, 'hosts' | 'connect'>): ReachableHosts {
  const intercepted = hosts.map(parseInterceptedHost)
  const allowed = connect.allow.map(parseHostPattern)
  const plainPorts = [...connect.ports, PLAIN_PORT]
  return {
    intercepted,
    connect(target) {
      if (intercepted.some(pattern => matchesHost(pattern, target, connect.ports))) return 'intercept'
      return allowed.some(pattern => matchesHost(pattern, target, connect.ports)) ? 'tunnel' : 'refuse'
    },
    named: [...intercepted, ...allowed]
      .filter(({ kind }) => kind === 'exact')
      .flatMap(({ name: host, port }) =>
        (port === undefined ? plainPorts : [port]).map(each => ({ host, port: each, scheme: undefined })),
      ),
    allowsPlain: target => [...intercepted, ...allowed].some(pattern => matchesHost(pattern, target, plainPorts)),
  }
}
