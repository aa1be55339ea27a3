import { type ArtifactReference, parseArtifactUrl } from '../../lib/origin/artifacts/artifact-reference.ts'
import { baseUrlOf } from '../../lib/origin/upstreams/registry-names.ts'
import type { UpstreamConfigs } from '../../lib/origin/upstreams/upstream-config.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/**
 * Reads `registry/repository[:tag][@digest]`.
 * @param upstreams where registries answer that do not so at their names
 * @throws DamselflyError REQUEST_INVALID
 */
export function imageReference(name: string, upstreams: UpstreamConfigs): ArtifactReference {
  try {
    const reference = parseArtifactUrl(`oci://${name}`)
    return { ...reference, baseUrl: baseUrlOf(reference.registry, upstreams) }
  } catch (error) {
    if (!(error instanceof DamselflyError)) throw error
    const form =
      'is not of the form registry/repository:tag or …@sha256:<64 hex digits>, as docker.io/library/alpine:3.20'
    throw new DamselflyError('REQUEST_INVALID', `image "${name.slice(0, 200)}" ${form}`)
  }
}
