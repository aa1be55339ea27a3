import { DamselflyError } from '../../protocol/errors.ts'

/** Where requests go first: URLs, empty where they go straight to their origin. */
export interface Proxies {
  readonly httpProxy: string
  /** Of https URLs; where it is empty, that of http URLs serves. */
  readonly httpsProxy: string
}

/** Environment variables by name. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxies of a transport: the one that was given, or those of the environment, where a name may stand without `http://`.
 * @throws DamselflyError CONFIG_INVALID for what is no http or https URL
 */
export function findProxies(given: string | undefined, environment: ProxyEnvironment): Proxies {
  if (given !== undefined) {
    const url = checked('--proxy', given)
    return { httpProxy: url, httpsProxy: url }
  }
  const named = (name: string): string => {
    const value = environment[name] ?? environment[name.toUpperCase()] ?? ''
    return value === '' ? '' : checked(name, /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`)
  }
  return { httpProxy: named('http_proxy'), httpsProxy: named('https_proxy') }
}

/** What a proxy answered instead of doing its work, in words; undefined for other failures. undici has no other sign of it. */
export function proxyRefusal(error: unknown): string | undefined {
  const text = error instanceof Error ? error.message : ''
  const [, status] = /^Proxy (?:response|Authentication Required) \((\d{3})\)/.exec(text) ?? []
  if (status === undefined) return undefined
  const advice = status === '407' ? ': it wants an account, as in http://user:password@proxy' : ''
  return `the proxy answered ${status}${advice}`
}

/** The URL is not shown, since it may have an account in it. */
function checked(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol)) return text
  throw new DamselflyError(
    'CONFIG_INVALID',
    `${name} is not the URL of an HTTP proxy, such as http://proxy.example:3128`,
  )
}
