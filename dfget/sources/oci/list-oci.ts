import type { ArtifactManifest, BlobDescriptor } from '../../../lib/origin/artifacts/artifact-manifest.ts'
import {
  type ArtifactReference,
  artifactName,
  parseArtifactUrl,
} from '../../../lib/origin/artifacts/artifact-reference.ts'
import { fetchManifest, type ManifestRequest } from '../../../lib/origin/artifacts/fetch-manifest.ts'
import { chooseByPlatform, ownPlatform } from '../../../lib/origin/artifacts/platform.ts'
import type { CredentialStore } from '../../../lib/origin/credentials/credential-store.ts'
import type { UpstreamFetcher } from '../../../lib/origin/http-fetch.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { ClaimedPaths } from '../claimed-paths.ts'
import type { FoundFile } from '../found-file.ts'
import { createPathFilter, type PathPatterns } from '../path-filter.ts'
import { blobPath, isFiller, isTitled } from './blob-path.ts'

/** What a listing works with; without `credentials` no account is used. */
export interface OciListingComponents {
  readonly fetcher: UpstreamFetcher
  readonly credentials?: CredentialStore | undefined
}

/** How an artifact is listed. */
export interface OciListingOptions extends PathPatterns {
  readonly signal: AbortSignal
  /** The user's, for manifest and blobs; an `Authorization` among them takes the place of any account. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Which manifest of an index, as `os/architecture[/variant]`; the one for this machine by default. */
  readonly platform?: string | undefined
  /** Whether to speak http with the registry. One on this machine is always spoken to so. */
  readonly plainHttp?: boolean | undefined
}

/**
 * The files of an artifact in a registry, or the layers of an image, each under the digest that the manifest gives it and in the
 * manifest's order. The config is among them only if the manifest names it as a file.
 * @param url `oci://registry[:port]/repository[:tag][@digest]`
 * @throws OriginError what the registry answers
 * @throws DamselflyError REQUEST_INVALID (reference, platform, patterns), MANIFEST_INVALID (also for a file name that leads elsewhere),
 * MANIFEST_UNKNOWN (nothing for the platform), CONTENT_CORRUPT, OUTPUT_FAILED when two files mean the same path, ORIGIN_UNREACHABLE; the
 * signal's reason
 */
export async function* listOci(
  { fetcher, credentials: store }: OciListingComponents,
  url: string,
  { signal, headers = {}, platform = ownPlatform(), plainHttp, include, exclude }: OciListingOptions,
): AsyncGenerator<FoundFile> {
  const filter = createPathFilter({ include, exclude })
  const reference = parseArtifactUrl(url, { plainHttp })
  const credentials = await store?.forRegistry(reference.registry, { signal })
  const manifest = await manifestFor(fetcher, reference, platform, { headers, credentials, signal })

  const paths = new ClaimedPaths()
  // All of them are checked before the first comes out: a manifest with one bad name is not to be trusted with others.
  const files = filesOf(manifest)
    .map(blob => ({ blob, path: blobPath(blob) }))
    .filter(({ blob, path }) => filter.accepts(path) && paths.claim(path, blob.digest))
  for (const { blob, path } of files) {
    const { digest, size } = blob
    const source = {
      url: `${reference.baseUrl}/v2/${reference.repository}/blobs/${digest}`,
      headers,
      credentials,
      digest,
    }
    yield { source, digests: [digest], path, sizeBytes: size }
  }
}

async function manifestFor(
  fetcher: UpstreamFetcher,
  reference: ArtifactReference,
  platform: string,
  request: ManifestRequest,
): Promise<ArtifactManifest> {
  const { document } = await fetchManifest(fetcher, reference, request)
  if (!('manifests' in document)) return document
  const digest = chooseByPlatform(document, platform, artifactName(reference))
  const { document: chosen } = await fetchManifest(fetcher, { ...reference, tag: undefined, digest }, request)
  if (!('manifests' in chosen)) return chosen
  throw new DamselflyError('MANIFEST_INVALID', `${artifactName(reference)} is an index that names an index`)
}

function filesOf({ config, layers }: ArtifactManifest): BlobDescriptor[] {
  return [...(isTitled(config) ? [config] : []), ...layers].filter(blob => !isFiller(blob))
}
