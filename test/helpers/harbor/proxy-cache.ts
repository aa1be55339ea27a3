/** The projects that are a cache of another registry, and what they hold already (contracts §4.6). */
export interface ProxyCache {
  /** The repository that a short name of Docker Hub means: `hub/nginx` is `hub/library/nginx`. */
  longNameOf(repository: string): string | undefined
  /** Whether a blob still has to be fetched. It then comes whole, whatever range was asked for, and a `HEAD` does not find it. */
  isCold(repository: string, digest: string): boolean
  /** Notes that a blob has come. */
  fill(repository: string, digest: string): void
}

export function createProxyCache(projects: readonly string[]): ProxyCache {
  const held = new Set<string>()
  const isCache = (repository: string) => projects.includes(repository.split('/', 1)[0] ?? '')
  return {
    longNameOf(repository) {
      const [project = '', name = '', ...more] = repository.split('/')
      return isCache(repository) && more.length === 0 ? `${project}/library/${name}` : undefined
    },
    isCold: (repository, digest) => isCache(repository) && !held.has(digest),
    fill: (_repository, digest) => void held.add(digest),
  }
}
