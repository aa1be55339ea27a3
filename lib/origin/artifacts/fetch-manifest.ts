import { type Digest, digestAlgorithm, digestOf, isDigest } from '../../../protocol/digest.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { MANIFEST_TYPES } from '../../../protocol/image-manifest.ts'
import { accepting } from '../accepting.ts'
import { readWhole } from '../bounded-body.ts'
import { connectionError } from '../connection-error.ts'
import { isEncoded } from '../content-plan.ts'
import type { RegistryCredentials } from '../credentials/registry-credentials.ts'
import type { UpstreamFetcher, UpstreamResponse } from '../http-fetch.ts'
import { OriginError } from '../origin-error.ts'
import { failureOf } from '../origin-failure.ts'
import { type ArtifactIndex, type ArtifactManifest, parseArtifactManifest } from './artifact-manifest.ts'
import { type ArtifactReference, artifactName } from './artifact-reference.ts'

/** How a registry is asked. */
export interface ManifestRequest {
  readonly headers: Readonly<Record<string, string>>
  readonly credentials: RegistryCredentials | undefined
  readonly signal: AbortSignal
}

/** A manifest or an index, and what it is known by. */
export interface FetchedManifest {
  readonly digest: Digest
  readonly document: ArtifactManifest | ArtifactIndex
}

/** What every registry has to accept (OCI distribution spec, "Pushing Manifests"). */
const LIMIT_BYTES = 4 * 1024 * 1024

/**
 * Fetches what a reference names, and checks it against the digest in the reference, or else the one that the registry tells.
 * @throws OriginError what the registry answered; MANIFEST_UNKNOWN when there is no such artifact
 * @throws DamselflyError MANIFEST_INVALID, CONTENT_CORRUPT, ORIGIN_UNREACHABLE; the signal's reason
 */
export async function fetchManifest(
  fetcher: UpstreamFetcher,
  reference: ArtifactReference,
  request: ManifestRequest,
): Promise<FetchedManifest> {
  const { headers, credentials, signal } = request
  const { baseUrl, repository, tag, digest } = reference
  const name = `the manifest of ${artifactName(reference)}`
  const response = await fetcher.fetch({
    url: `${baseUrl}/v2/${repository}/manifests/${digest ?? tag}`,
    method: 'GET',
    headers: accepting(MANIFEST_TYPES.join(', '), headers),
    credentials,
    signal,
  })
  if (response.status !== 200) {
    const failure = await refusal(reference, response, request)
    signal.throwIfAborted()
    throw failure
  }
  const bytes = await readManifest(response, name, signal)
  const told = response.headers['docker-content-digest'] ?? ''
  const expected = digest ?? (isDigest(told) ? told : undefined)
  const found = digestOf(bytes, expected && digestAlgorithm(expected))
  if (expected !== undefined && found !== expected) {
    throw new DamselflyError('CONTENT_CORRUPT', `${name} does not have the digest ${expected}`)
  }
  return { digest: found, document: parseArtifactManifest(bytes, name, response.headers['content-type']) }
}

async function readManifest(response: UpstreamResponse, name: string, signal: AbortSignal): Promise<Buffer> {
  const { headers, body, url } = response
  if (Number(headers['content-length'] ?? 0) > LIMIT_BYTES || isEncoded(headers)) {
    body.destroy()
    throw isEncoded(headers) ? new OriginError('ORIGIN_FAILED', `${name} has a Content-Encoding`) : tooLarge(name)
  }
  try {
    return await readWhole(body, LIMIT_BYTES)
  } catch (error) {
    signal.throwIfAborted()
    throw error instanceof DamselflyError ? tooLarge(name) : connectionError(new URL(url), error)
  } finally {
    body.destroy()
  }
}

function tooLarge(name: string): DamselflyError {
  return new DamselflyError('MANIFEST_INVALID', `${name} has over ${LIMIT_BYTES} bytes`)
}

async function refusal(
  reference: ArtifactReference,
  response: UpstreamResponse,
  request: ManifestRequest,
): Promise<OriginError> {
  const { status } = response
  const asker = status === 401 || status === 403 ? askerOf(request) : ''
  const { code, detail, originHeaders, originBody } = await failureOf(artifactName(reference), response)
  const ownCode = code === 'BLOB_UNKNOWN' ? 'MANIFEST_UNKNOWN' : code
  return new OriginError(ownCode, `${detail}${asker}`, { originStatus: status, originHeaders, originBody })
}

/** Whom a registry has refused, which the user may not have in mind. */
function askerOf({ headers, credentials }: ManifestRequest): string {
  if (Object.keys(headers).some(name => name.toLowerCase() === 'authorization')) return ''
  return credentials === undefined
    ? ' to a request without an account of docker'
    : ' to the account that docker has for it'
}
