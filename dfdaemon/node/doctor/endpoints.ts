const FORM = /^\/(?:ip4|ip6|dns|dns4|dns6)\/(?<host>[^/]+)\/tcp\/(?<port>\d+)(?:\/|$)/
const LOOPBACK = /^(?:127(?:\.\d{1,3}){3}|::1|localhost)$/
const DEFAULT_PORTS = { http: 80, https: 443 } as const

/** Host and port of a TCP multiaddr; undefined for others. */
export function endpointOf(address: string): { readonly host: string; readonly port: number } | undefined {
  const { host, port } = FORM.exec(address)?.groups ?? {}
  return host === undefined ? undefined : { host, port: Number(port) }
}

/** Whether only this machine is reached under a host name or address; brackets may be around it. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host.replace(/^\[|\]$/g, ''))
}

/** The port of a URL, whether it is written or not. */
export function portOf(url: string): number {
  const { port, protocol } = new URL(url)
  return port === '' ? DEFAULT_PORTS[protocol === 'https:' ? 'https' : 'http'] : Number(port)
}
