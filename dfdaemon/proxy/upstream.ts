import { DamselflyError } from '../../protocol/errors.ts'
import { parseRegistryPath, type RegistryPath } from '../../protocol/registry-path.ts'
import { matchesPattern } from '../pattern.ts'

/** What of the configuration decides where a request goes. */
export interface UpstreamRules {
  /** Registry of requests that name none. */
  readonly defaultUpstream: string
  /** Registries by their name in image references. */
  readonly upstreams: Readonly<Record<string, { readonly url?: string; readonly p2p?: boolean }>>
  /** Which registries are served, as patterns with `*`: none that is denied and, where any is allowed, only those. */
  readonly registries: { readonly allow: readonly string[]; readonly deny: readonly string[] }
}

/** What a request says about its registry, beside its path. */
export interface UpstreamHints {
  /** Value of the `ns` query parameter, decoded: containerd. */
  readonly ns?: string | undefined
  /** Value of `X-Dragonfly-Registry`, a URL or a host: clients that were set up for Dragonfly. */
  readonly registryHeader?: string | undefined
}

/** Where a request of a container runtime goes. */
export interface UpstreamTarget {
  /** The registry's name in image references, for example `docker.io` or `harbor.example:8443`. */
  readonly registry: string
  /** `https://host[:port]`, without a slash at the end. */
  readonly baseUrl: string
  /** What is asked for there. */
  readonly path: RegistryPath
  /** Whether blobs of this registry go through the swarm. */
  readonly p2p: boolean
  /** What was cut off in front of the repository name; has to come back in links that the client follows. */
  readonly prefix: string
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/

/** Names of registries that answer elsewhere than their name says. */
const WELL_KNOWN = new Map([['docker.io', 'https://registry-1.docker.io']])

/**
 * Chooses the upstream of a request under `/v2/` (contracts §0 rule 9): containerd names it in `?ns=`, podman and CRI-O put it
 * in front of the repository name, dockerd means the default.
 * @param path without its query
 * @throws DamselflyError NAME_INVALID, NAME_UNKNOWN (a registry that is not served) and whatever `parseRegistryPath` throws
 */
export function chooseUpstream(path: string, hints: UpstreamHints, rules: UpstreamRules): UpstreamTarget {
  if (hints.ns !== undefined) return target(hints.ns, path, '', rules)
  if (hints.registryHeader !== undefined) return target(registryOf(hints.registryHeader), path, '', rules)
  const [, first = ''] = /^\/v2\/([^/]+)\/.+\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? []
  const named = isRegistryName(first) && hasRepository(path, first)
  if (named) return target(first, `/v2${path.slice('/v2/'.length + first.length)}`, `/${first}`, rules)
  return target(rules.defaultUpstream, path, '', rules)
}

function target(registry: string, path: string, prefix: string, rules: UpstreamRules): UpstreamTarget {
  if (!HOST.test(registry)) throw new DamselflyError('NAME_INVALID', 'expected a registry as host or host:port')
  if (!isServed(registry, rules)) throw new DamselflyError('NAME_UNKNOWN', `this mirror does not serve ${registry}`)
  const p2p = configured(registry, rules.upstreams)?.p2p ?? true
  return { registry, baseUrl: baseUrlOf(registry, rules.upstreams), path: parseRegistryPath(path), p2p, prefix }
}

function isServed(registry: string, { registries: { allow, deny } }: UpstreamRules): boolean {
  if (deny.some(pattern => matchesPattern(registry, pattern))) return false
  return allow.length === 0 || allow.some(pattern => matchesPattern(registry, pattern))
}

// `https://index.docker.io` is how Dragonfly's documentation names Docker Hub.
function registryOf(header: string): string {
  const host = header.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}

// The rule by which image references tell a registry from a repository: a dot, a colon, or localhost.
function isRegistryName(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost'
}

function hasRepository(path: string, first: string): boolean {
  return !/^\/(?:blobs|manifests|tags|referrers)\//.test(path.slice('/v2/'.length + first.length))
}

/** Where a registry answers, without a slash at the end. */
export function baseUrlOf(registry: string, upstreams: UpstreamRules['upstreams']): string {
  const url = configured(registry, upstreams)?.url
  return (url ?? WELL_KNOWN.get(registry) ?? `${defaultScheme(registry)}://${registry}`).replace(/\/+$/, '')
}

function configured(registry: string, upstreams: UpstreamRules['upstreams']) {
  return Object.hasOwn(upstreams, registry) ? upstreams[registry] : undefined
}

// Registries on the machine itself speak plain http, as every runtime assumes.
function defaultScheme(registry: string): 'http' | 'https' {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(registry) ? 'http' : 'https'
}
