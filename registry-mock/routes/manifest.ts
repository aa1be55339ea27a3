import { digestAlgorithm, digestOf, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'
import { type Answer, bytesAnswer, emptyAnswer } from '../answer.ts'
import type { RegistryRequest } from '../registry-request.ts'
import type { Repositories, StoredManifest } from '../repositories.ts'
import { readBody } from '../request-body.ts'
import type { Stats } from '../stats.ts'
import { parseManifest } from './manifest-document.ts'

type ManifestPath = Extract<RegistryPath, { kind: 'manifest' }>

const MANIFEST_MAX_BYTES = 4 * 1024 * 1024

/** `GET`, `HEAD` and `PUT /v2/<name>/manifests/<tag or digest>`. */
export function createManifestRoute({ repositories, stats }: { repositories: Repositories; stats: Stats }) {
  return async (request: RegistryRequest, path: ManifestPath): Promise<Answer> => {
    if (request.method === 'PUT') return put(request, path)
    if (request.method === 'GET' || request.method === 'HEAD') return get(request, path)
    throw new DamselflyError('UNSUPPORTED', 'manifests are read by GET and HEAD and written by PUT')
  }

  function get({ method, headers }: RegistryRequest, { name, reference }: ManifestPath): Answer {
    const manifest = repositories.findManifest(name, reference)
    if (manifest === undefined) throw new DamselflyError('MANIFEST_UNKNOWN')
    if (!accepts(headers.accept, manifest.mediaType)) {
      throw new DamselflyError('MANIFEST_UNKNOWN', `it has the type ${manifest.mediaType}, which Accept does not name`)
    }
    const onBytes = stats.beginManifest(method)
    const etag = `"${manifest.digest}"`
    const described = { 'docker-content-digest': manifest.digest, etag }
    if (headers['if-none-match'] === etag) return emptyAnswer(304, described)
    const subject = { kind: 'manifest', method, digest: manifest.digest, repository: name } as const
    const answer = bytesAnswer(200, manifest.bytes, { 'content-type': manifest.mediaType, ...described })
    return { ...answer, subject, onBytes }
  }

  async function put(request: RegistryRequest, { name, reference }: ManifestPath): Promise<Answer> {
    const bytes = await readBody(request.body, MANIFEST_MAX_BYTES)
    const digest = digestOf(bytes, isDigest(reference) ? digestAlgorithm(reference) : 'sha256')
    if (isDigest(reference) && digest !== reference) {
      throw new DamselflyError('DIGEST_INVALID', `the manifest is ${digest}`)
    }
    const { blobs, ...described } = parseManifest(bytes, request.headers['content-type'])
    const missing = blobs.find(blob => !repositories.hasBlob(name, blob))
    if (missing !== undefined) throw new DamselflyError('MANIFEST_BLOB_UNKNOWN', missing)
    const manifest: StoredManifest = { digest, bytes, ...described }
    repositories.putManifest(name, reference, manifest)
    return emptyAnswer(201, {
      location: `/v2/${name}/manifests/${digest}`,
      'docker-content-digest': digest,
      ...(manifest.subject === undefined ? {} : { 'oci-subject': manifest.subject }),
    })
  }
}

/** Whether an Accept header covers a type. Without the header, all are welcome (RFC 9110 §12.5.1). */
function accepts(accept: string | undefined, mediaType: string): boolean {
  if (accept === undefined) return true
  const types = accept.split(',').map(item => item.split(';')[0]?.trim())
  return [mediaType, 'application/*', '*/*'].some(type => types.includes(type))
}
