import type { ArtifactManifest } from '../../lib/origin/artifacts/artifact-manifest.ts'
import { type ArtifactReference, artifactName } from '../../lib/origin/artifacts/artifact-reference.ts'
import { fetchManifest, type ManifestRequest } from '../../lib/origin/artifacts/fetch-manifest.ts'
import { chooseByPlatforms } from '../../lib/origin/artifacts/platform.ts'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import type { Source } from '../../lib/origin/origin.ts'
import type { Digest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** One content that is to be spread. */
export interface WantedContent {
  /** For people: `layer 3 of 12`. */
  readonly name: string
  /** With the credentials of the job. */
  readonly source: Source
  /** As the manifest says; undefined for a file. */
  readonly sizeBytes: number | undefined
  /** Whether its origin need not have it: content that registries may not distribute lies elsewhere. */
  readonly isOptional: boolean
}

/** What an image consists of. */
export interface ResolvedImage {
  /** What the tag means, or what was asked for. */
  readonly digest: Digest
  readonly contents: readonly WantedContent[]
}

/** An index may name indexes; no tool makes more levels than this. */
const MAX_DEPTH = 3

type Blob = ArtifactManifest['config']

/**
 * Reads the manifest of an image, and those of the platforms where it is an index.
 * @param platforms `os/architecture[/variant]`, or `all`
 * @returns each blob once, in the order of the manifests, each config before its layers
 * @throws OriginError what the registry answered; MANIFEST_UNKNOWN when there is no such image
 * @throws DamselflyError MANIFEST_INVALID; MANIFEST_UNKNOWN without anything for the platforms; CONTENT_CORRUPT; ORIGIN_UNREACHABLE
 */
export async function resolveImage(
  fetcher: UpstreamFetcher,
  reference: ArtifactReference,
  platforms: readonly string[],
  request: ManifestRequest,
): Promise<ResolvedImage> {
  const blobs = new Map<Digest, WantedContent>()
  const { headers, credentials } = request

  function add({ digest, size, urls, mediaType }: Blob, name: string): void {
    const url = `${reference.baseUrl}/v2/${reference.repository}/blobs/${digest}`
    const isOptional = (urls?.length ?? 0) > 0 || /nondistributable|foreign/.test(mediaType ?? '')
    blobs.set(digest, { name, source: { url, headers, credentials, digest }, sizeBytes: size, isOptional })
  }

  async function read(at: ArtifactReference, suffix: string, depth: number): Promise<Digest> {
    const { digest, document } = await fetchManifest(fetcher, at, request)
    if (!('manifests' in document)) {
      const { config, layers } = document
      add(config, `config${suffix}`)
      for (const [index, layer] of layers.entries()) add(layer, `layer ${index + 1} of ${layers.length}${suffix}`)
      return digest
    }
    if (depth >= MAX_DEPTH) {
      throw new DamselflyError('MANIFEST_INVALID', `${artifactName(reference)} is an index of indexes of indexes`)
    }
    const chosen = chooseByPlatforms(document, platforms, artifactName(at))
    for (const child of chosen) {
      const platform = document.manifests.find(entry => entry.digest === child)?.platform
      const of = platform === undefined ? suffix : ` for ${platform.os}/${platform.architecture}`
      await read({ ...reference, tag: undefined, digest: child }, chosen.length > 1 ? of : suffix, depth + 1)
    }
    return digest
  }

  const digest = await read(reference, '', 1)
  return { digest, contents: [...blobs.values()] }
}
