import { baseUrlOf, isServed } from '../../lib/origin/upstreams/registry-names.ts'
import type { ServedRegistries } from '../../lib/origin/upstreams/upstream-config.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseRegistryPath, type RegistryPath } from '../../protocol/registry-path.ts'

/** What of the configuration decides where a request goes. */
export interface UpstreamRules {
  /** Registry of requests that name none. */
  readonly defaultUpstream: string
  /** Registries by their name in image references. */
  readonly upstreams: Readonly<Record<string, { readonly url?: string; readonly p2p?: boolean }>>
  readonly registries: ServedRegistries
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

/**
 * Chooses the upstream of a request under `/v2/` (contracts §0 rule 9): containerd names it in `?ns=`, podman and CRI-O put it
 * in front of the repository name, dockerd means the default.
 * @param path without its query
 * @throws DamselflyError NAME_INVALID, NAME_UNKNOWN (a registry that is not served) and whatever `parseRegistryPath` throws
 */
export function chooseUpstream(path: string, hints: UpstreamHints, rules: UpstreamRules): UpstreamTarget {
  const named = hints.ns ?? (hints.registryHeader === undefined ? undefined : registryOf(hints.registryHeader))
  const [, first = ''] = /^\/v2\/([^/]+)\/.+\/(?:blobs|manifests|tags|referrers)\//.exec(path) ?? []
  const front = registryInFront(first, rules)
  const isInFront = isRegistryName(front) && hasRepository(path, first)
  // containerd sends `ns` also to a host whose path names the registry (override_path). Then the path is the operator's word,
  // unless it may as well be the beginning of a repository's name.
  if (isInFront && (named === undefined || named === front || Object.hasOwn(rules.upstreams, front))) {
    return target(front, `/v2${path.slice('/v2/'.length + first.length)}`, `/${first}`, rules)
  }
  return target(named ?? rules.defaultUpstream, path, '', rules)
}

/**
 * The URL of a request whose path names the registry before `/v2/`, with the registry behind it: mirrors with a path, of
 * dockerd from 25 on and of containerd. It says more than `ns`, which containerd adds.
 * @param url path and query
 * @throws DamselflyError ROUTE_UNKNOWN when no registry is named there
 */
export function withRegistryBehind(url: string): string {
  const { pathname, searchParams } = mirrorUrl(url)
  const [, registry = '', rest = ''] = /^\/([^/]+)\/v2(\/.*)$/.exec(pathname) ?? []
  if (!isRegistryName(decodePath(registry))) throw new DamselflyError('ROUTE_UNKNOWN', 'no registry before /v2/')
  searchParams.delete('ns')
  return `/v2/${registry}${rest}${searchParams.size === 0 ? '' : `?${searchParams}`}`
}

/** The URL of a request to the mirror. Its path stays one, also where it begins as a reference to another host does: `/\\host/`. */
export function mirrorUrl(pathAndQuery: string): URL {
  return new URL(`http://mirror${pathAndQuery}`)
}

/** A path without percent-encoding. @throws DamselflyError NAME_INVALID */
export function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    throw new DamselflyError('NAME_INVALID', 'the path is not valid percent-encoding', { cause: error })
  }
}

function target(registry: string, path: string, prefix: string, rules: UpstreamRules): UpstreamTarget {
  if (!HOST.test(registry)) throw new DamselflyError('NAME_INVALID', 'expected a registry as host or host:port')
  if (!isServed(registry, rules.registries))
    throw new DamselflyError('NAME_UNKNOWN', `this mirror does not serve ${registry}`)
  const p2p = configured(registry, rules.upstreams)?.p2p ?? true
  const baseUrl = baseUrlOf(registry, rules.upstreams)
  // What looks like a host may be none: `a.1`, `[::::]`, a port above 65535.
  if (!URL.canParse(baseUrl)) throw new DamselflyError('NAME_INVALID', 'the registry is no host that there can be')
  return { registry, baseUrl, path: parseRegistryPath(path), p2p, prefix }
}

// `https://index.docker.io` is how Dragonfly's documentation names Docker Hub.
function registryOf(header: string): string {
  const host = header.replace(/^https?:\/\//, '').replace(/\/+$/, '')
  return host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host
}

// An image reference with a second colon is none, and podman and CRI-O pull nothing by a location that makes one. A port is
// therefore also written as containerd names its directories, `harbor.example_8443`: names of hosts have no underscore. A name
// without a dot may as well be a repository's; it has to be in the configuration.
function registryInFront(component: string, { upstreams }: UpstreamRules): string {
  const registry = component.replace(/_(?=\d{1,5}$)/, ':')
  return /^(?:localhost|.*\..*):/.test(registry) || Object.hasOwn(upstreams, registry) ? registry : component
}

// The rule by which image references tell a registry from a repository: a dot, a colon, or localhost.
function isRegistryName(component: string): boolean {
  return /[.:]/.test(component) || component === 'localhost'
}

function hasRepository(path: string, first: string): boolean {
  return !/^\/(?:blobs|manifests|tags|referrers)\//.test(path.slice('/v2/'.length + first.length))
}

function configured(registry: string, upstreams: UpstreamRules['upstreams']) {
  return Object.hasOwn(upstreams, registry) ? upstreams[registry] : undefined
}
