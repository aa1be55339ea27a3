import { isDigest } from './digest.ts'
import { DamselflyError } from './errors.ts'
import { isRepositoryName, isTag } from './registry-path.ts'

/** An image as a person names it, taken apart. */
export interface ImageReference {
  /** `host` or `host:port`. */
  readonly registry: string
  readonly repository: string
  /** Tag or digest. */
  readonly reference: string
}

const FORM = /^(?<registry>[^/]+)\/(?<repository>[^:@]+)(?::(?<tag>[^:@]+)|@(?<digest>.+))?$/

/**
 * Reads `host[:port]/repository[:tag]` or `…@digest`; the tag is `latest` when none is given.
 * @throws DamselflyError CONFIG_INVALID
 */
export function parseImageReference(text: string): ImageReference {
  const { registry = '', repository = '', tag = 'latest', digest } = FORM.exec(text)?.groups ?? {}
  const reference = digest ?? tag
  const wellFormed = digest === undefined ? isTag(tag) : isDigest(digest)
  if (wellFormed && isRepositoryName(repository) && isRegistryName(registry)) return { registry, repository, reference }
  const example = 'docker.io/library/alpine:3.20'
  throw new DamselflyError('CONFIG_INVALID', `image "${text}" is not of the form host/repository:tag, as ${example}`)
}

/** An image name as docker completes it: `alpine` is `docker.io/library/alpine`. Names with a registry stay as they are. */
export function completeImageName(text: string): string {
  const [first = '', ...rest] = text.split('/')
  if (rest.length > 0 && isRegistryName(first)) return text
  return rest.length > 0 ? `docker.io/${text}` : `docker.io/library/${text}`
}

// The rule by which image references tell a registry from a repository: a dot, a colon, or localhost.
function isRegistryName(text: string): boolean {
  return text === 'localhost' || /^[A-Za-z0-9[][A-Za-z0-9.:[\]-]*[.:][A-Za-z0-9.:[\]-]*$/.test(text)
}
