const ENTRY = /^(?:(https?):\/\/)?([^/]+)(?:\/(?:v[12]\/?)?)?$/
const HOST = /^(?:[a-z0-9_](?:[a-z0-9._-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::\d{1,5})?$/

const DOCKER_HUB = 'docker.io'
const DOCKER_HUB_NAMES: ReadonlySet<string> = new Set([DOCKER_HUB, 'index.docker.io', 'registry-1.docker.io'])

/**
 * The one spelling of a registry's `host[:port]`: lower case, without scheme, API path and default port, and `docker.io` for
 * each of Docker Hub's names. Undefined for what names no registry as a whole, such as `quay.io/team`.
 */
export function registryHost(text: string): string | undefined {
  const [, scheme, entry] = ENTRY.exec(text.toLowerCase()) ?? []
  if (entry === undefined || !HOST.test(entry)) return undefined
  const host = scheme === 'http' ? entry.replace(/:80$/, '') : entry.replace(/:443$/, '')
  return DOCKER_HUB_NAMES.has(host) ? DOCKER_HUB : host
}

/** How credential helpers call a registry: Docker Hub has a name of its own. */
export function helperServer(host: string): string {
  return host === DOCKER_HUB ? 'https://index.docker.io/v1/' : host
}
