import { isDigest } from '../protocol/digest.ts'
import { DamselflyError } from '../protocol/errors.ts'
import { isRepositoryName, isTag } from '../protocol/registry-path.ts'

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

// The rule by which image references tell a registry from a repository: a dot, a colon, or localhost.
function isRegistryName(text: string): boolean {
  return text === 'localhost' || /^[A-Za-z0-9[][A-Za-z0-9.:[\]-]*[.:][A-Za-z0-9.:[\]-]*$/.test(text)
}
