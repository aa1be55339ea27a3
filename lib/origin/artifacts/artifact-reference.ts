import { type Digest, isDigest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { isRepositoryName, isTag } from '../../../protocol/registry-path.ts'
import { printable } from '../../terminal/format.ts'
import { registryHost } from '../credentials/registry-host.ts'
import { baseUrlOf } from '../upstreams/registry-names.ts'

/** An artifact in a registry, as `oci://registry/repository:tag` names it. */
export interface ArtifactReference {
  /** `host[:port]`, in the spelling that credentials go by. */
  readonly registry: string
  readonly repository: string
  /** Where the registry answers, without a slash at the end. */
  readonly baseUrl: string
  /** Undefined when there is a digest, which then counts alone. */
  readonly tag: string | undefined
  readonly digest: Digest | undefined
}

const FORM = /^oci:\/\/(?<registry>[^/@]+)\/(?<repository>[^:@]+)(?::(?<tag>[^:@]+))?(?:@(?<digest>.+))?$/i

/** Whether an argument names an artifact in a registry. */
export function isArtifactUrl(text: string): boolean {
  return /^oci:\/\//i.test(text)
}

/**
 * Reads `oci://registry[:port]/repository[:tag][@digest]`; the tag is `latest` when neither is given.
 * @param plainHttp whether to speak http with the registry; one on this machine is always spoken to so
 * @throws DamselflyError REQUEST_INVALID
 */
export function parseArtifactUrl(text: string, { plainHttp = false } = {}): ArtifactReference {
  const { registry: host = '', repository: name = '', tag, digest } = FORM.exec(text)?.groups ?? {}
  const registry = registryHost(host)
  // Docker Hub has no repositories outside a namespace; official images lie in this one.
  const repository = registry === 'docker.io' && !name.includes('/') ? `library/${name}` : name
  const wellFormed =
    registry !== undefined &&
    isRepositoryName(repository) &&
    (tag === undefined || isTag(tag)) &&
    (digest === undefined || isDigest(digest))
  if (!wellFormed) throw malformed(text)
  const baseUrl = baseUrlOf(registry, plainHttp ? { [registry]: { url: `http://${registry}` } } : {})
  if (!URL.canParse(baseUrl)) throw malformed(text)
  if (digest !== undefined) return { registry, repository, baseUrl, tag: undefined, digest: digest as Digest }
  return { registry, repository, baseUrl, tag: tag ?? 'latest', digest: undefined }
}

/** The reference without a scheme, as registries' tools print it. */
export function artifactName({ registry, repository, tag, digest }: ArtifactReference): string {
  return `${registry}/${repository}${digest === undefined ? `:${tag}` : `@${digest}`}`
}

function malformed(text: string): DamselflyError {
  const example = 'oci://registry.example/team/model:v1'
  const form = `is not of the form oci://registry/repository:tag or …@sha256:<64 hex digits>, as ${example}`
  return new DamselflyError('REQUEST_INVALID', `"${printable(text)}" ${form}`)
}
