import { matchesPattern } from '../../pattern.ts'
import type { ServedRegistries, UpstreamConfigs } from './upstream-config.ts'

/** Names of registries that answer elsewhere than their name says. */
const WELL_KNOWN = new Map([['docker.io', 'https://registry-1.docker.io']])

/** Where a registry answers, without a slash at the end. */
export function baseUrlOf(registry: string, upstreams: UpstreamConfigs): string {
  const url = Object.hasOwn(upstreams, registry) ? upstreams[registry]?.url : undefined
  return (url ?? WELL_KNOWN.get(registry) ?? `${defaultScheme(registry)}://${registry}`).replace(/\/+$/, '')
}

/** The registry, or any other server, that answers at a URL: its name in image references, or its `host[:port]`. */
export function registryAt({ origin, host }: URL, upstreams: UpstreamConfigs): string {
  const answersHere = (registry: string): boolean => new URL(baseUrlOf(registry, upstreams)).origin === origin
  return [...Object.keys(upstreams), ...WELL_KNOWN.keys()].find(answersHere) ?? host
}

/** Whether a registry is served at all. */
export function isServed(registry: string, { allow, deny }: ServedRegistries): boolean {
  if (deny.some(pattern => matchesPattern(registry, pattern))) return false
  return allow.length === 0 || allow.some(pattern => matchesPattern(registry, pattern))
}

// Registries on the machine itself speak plain http, as every runtime assumes.
function defaultScheme(registry: string): 'http' | 'https' {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(registry) ? 'http' : 'https'
}
