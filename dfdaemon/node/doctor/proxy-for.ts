import { isLoopback } from './endpoints.ts'

/** The environment of a process. */
type Environment = Readonly<Record<string, string | undefined>>

/**
 * The proxy to which a program in Go sends requests for a plain-HTTP URL, by its environment (golang.org/x/net/http/httpproxy).
 * @returns undefined where it asks the host itself, as it always does on the loopback
 */
export function proxyFor(url: string, environment: Environment): string | undefined {
  const { hostname, protocol, port } = new URL(url)
  const variable = protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const proxy = variableOf(variable, environment)
  if (proxy === undefined || isLoopback(hostname)) return undefined
  const exceptions = (variableOf('NO_PROXY', environment) ?? '').split(',').map(item => item.trim().toLowerCase())
  return exceptions.some(exception => covers(exception, hostname, port)) ? undefined : withoutAccount(proxy)
}

function variableOf(variable: string, environment: Environment): string | undefined {
  return environment[variable] || environment[variable.toLowerCase()] || undefined
}

function covers(exception: string, host: string, port: string): boolean {
  if (exception === '*') return true
  const [, name = exception, onlyPort] = /^(.*):(\d+)$/.exec(exception) ?? []
  if (name === '' || (onlyPort !== undefined && onlyPort !== port)) return false
  if (name.includes('/')) return inNetwork(name, host)
  const suffix = name.replace(/^\*?\./, '')
  return host === name || host.endsWith(`.${suffix}`)
}

/** IPv4 only: whether an address is in `10.0.0.0/8`. */
function inNetwork(network: string, host: string): boolean {
  const [base = '', length = ''] = network.split('/')
  const [start, address, bits] = [ipv4(base), ipv4(host), Number(length)]
  if (start === undefined || address === undefined || !(bits >= 0 && bits <= 32)) return false
  const size = 2 ** (32 - bits)
  return Math.floor(start / size) === Math.floor(address / size)
}

function ipv4(text: string): number | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined
  return text.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function withoutAccount(proxy: string): string {
  return proxy.replace(/\/\/[^@/]*@/, '//')
}
