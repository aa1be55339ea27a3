import { type Digest, parseDigest } from './digest.ts'
import { DamselflyError } from './errors.ts'

/** What a path under `/v2/` names (OCI distribution spec, "Endpoints"). */
export type RegistryPath =
  | { kind: 'base' }
  | { kind: 'blob'; name: string; digest: Digest }
  | { kind: 'manifest'; name: string; reference: string }
  | { kind: 'tags'; name: string }
  | { kind: 'referrers'; name: string; digest: Digest }
  | { kind: 'upload'; name: string; session: string | undefined }

const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/
const NAME_MAX = 255

/** Whether the text is a repository name by the OCI grammar. */
export function isRepositoryName(text: string): boolean {
  return text.length <= NAME_MAX && NAME.test(text)
}

/** Whether the text is a tag by the OCI grammar. */
export function isTag(text: string): boolean {
  return TAG.test(text)
}

/**
 * Reads the path of a registry request, without its query.
 * @param path begins with `/v2`
 * @throws DamselflyError NAME_INVALID, DIGEST_INVALID, MANIFEST_INVALID (bad tag) or ROUTE_UNKNOWN
 */
export function parseRegistryPath(path: string): RegistryPath {
  if (path === '/v2' || path === '/v2/') return { kind: 'base' }
  if (!path.startsWith('/v2/')) throw new DamselflyError('ROUTE_UNKNOWN', 'registry routes begin with /v2/')
  const rest = path.slice('/v2/'.length)

  const tags = /^(.*)\/tags\/list$/.exec(rest)
  if (tags) return { kind: 'tags', name: repositoryName(tags[1]) }
  const upload = /^(.*)\/blobs\/uploads(?:\/([A-Za-z0-9._~=-]*))?$/.exec(rest)
  if (upload) return { kind: 'upload', name: repositoryName(upload[1]), session: upload[2] || undefined }
  const content = /^(.*)\/(blobs|manifests|referrers)\/([^/]+)$/.exec(rest)
  if (!content) throw new DamselflyError('ROUTE_UNKNOWN', 'expected /v2/<name>/(blobs|manifests|referrers)/<reference>')

  const [, prefix, kind, reference = ''] = content
  const name = repositoryName(prefix)
  if (kind === 'blobs') return { kind: 'blob', name, digest: parseDigest(reference) }
  if (kind === 'referrers') return { kind: 'referrers', name, digest: parseDigest(reference) }
  return { kind: 'manifest', name, reference: manifestReference(reference) }
}

function repositoryName(text: string | undefined): string {
  if (text === undefined || !isRepositoryName(text)) {
    throw new DamselflyError('NAME_INVALID', 'lower-case letters, digits and separators, at most 255 characters')
  }
  return text
}

function manifestReference(text: string): string {
  if (text.includes(':')) return parseDigest(text)
  if (!isTag(text))
    throw new DamselflyError('MANIFEST_INVALID', 'a tag has at most 128 characters out of [A-Za-z0-9._-]')
  return text
}
