import { DamselflyError } from '../../protocol/errors.ts'
import { parseRegistryPath, type RegistryPath } from '../../protocol/registry-path.ts'

/** What of the configuration decides where a request goes. */
export interface UpstreamRules {
  /** Registry of requests that name none. */
  readonly defaultUpstream: string
  /** Registries by their name in image references. */
  readonly upstreams: Readonly<Record<string, { readonly url: string }>>
}

/** Where a request of a container runtime goes. */
export interface UpstreamTarget {
  /** The registry's name in image references, for example `docker.io` or `harbor.example:8443`. */
  readonly registry: string
  /** `https://host[:port]`, without a slash at the end. */
  readonly baseUrl: string
  /** What is asked for there. */
  readonly path: RegistryPath
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
 * @param ns value of the `ns` query parameter, decoded
 * @throws DamselflyError NAME_INVALID and whatever `parseRegistryPath` throws
 */
export function chooseUpstream(path: string, ns: string | undefined, rules: UpstreamRules): UpstreamTarget {
  if (ns !== undefined) return target(ns, path, '', rules)
  const [, first = ''] = /^\/v2\/([^/]+)\/.+\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? []
  const named = isRegistryName(first) && hasRepository(path, first)
  if (named) return target(first, `/v2${path.slice('/v2/'.length + first.length)}`, `/${first}`, rules)
  return target(rules.defaultUpstream, path, '', rules)
}

function target(registry: string, path: string, prefix: string, rules: UpstreamRules): UpstreamTarget {
  if (!HOST.test(registry)) throw new DamselflyError('NAME_INVALID', 'expected a registry as host or host:port')
  return { registry, baseUrl: baseUrlOf(registry, rules), path: parseRegistryPath(path), prefix }
}

// The rule by which image references tell a registry from a repository: a dot, a colon, or localhost.
function isRegistryName(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost'
}

function hasRepository(path: string, first: string): boolean {
  return !/^\/(?:blobs|manifests|tags|referrers)\//.test(path.slice('/v2/'.length + first.length))
}

function baseUrlOf(registry: string, rules: UpstreamRules): string {
  const configured = Object.hasOwn(rules.upstreams, registry) ? rules.upstreams[registry]?.url : undefined
  return (configured ?? WELL_KNOWN.get(registry) ?? `${defaultScheme(registry)}://${registry}`).replace(/\/+$/, '')
}

// Registries on the machine itself speak plain http, as every runtime assumes.
function defaultScheme(registry: string): 'http' | 'https' {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(registry) ? 'http' : 'https'
}
