import { DamselflyError } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'
import { type Answer, jsonAnswer } from '../answer.ts'
import type { RegistryRequest } from '../registry-request.ts'
import type { Repositories } from '../repositories.ts'
import { OCI_INDEX } from './manifest-document.ts'

/** `GET /v2/<name>/tags/list?n=&last=` (OCI distribution spec, "Listing Tags"). */
export function createTagsRoute({ repositories }: { repositories: Repositories }) {
  return ({ method, query }: RegistryRequest, { name }: Extract<RegistryPath, { kind: 'tags' }>): Answer => {
    onlyRead(method)
    const all = repositories.tags(name)
    if (all === undefined) throw new DamselflyError('NAME_UNKNOWN')
    const last = query.get('last')
    const rest = last === null ? all : all.filter(tag => tag > last)
    const limit = pageSize(query.get('n'))
    const tags = rest.slice(0, limit)
    const end = tags.at(-1)
    const hasMore = end !== undefined && tags.length < rest.length
    const next = `</v2/${name}/tags/list?${new URLSearchParams({ n: String(limit), last: end ?? '' })}>; rel="next"`
    return jsonAnswer(200, { name, tags }, hasMore ? { link: next } : {})
  }
}

/** `GET /v2/<name>/referrers/<digest>?artifactType=` (OCI distribution spec, "Listing Referrers"). Never 404. */
export function createReferrersRoute({ repositories }: { repositories: Repositories }) {
  return ({ method, query }: RegistryRequest, path: Extract<RegistryPath, { kind: 'referrers' }>): Answer => {
    onlyRead(method)
    const artifactType = query.get('artifactType')
    const manifests = repositories
      .referrers(path.name, path.digest)
      .filter(manifest => artifactType === null || manifest.artifactType === artifactType)
      .map(manifest => ({
        mediaType: manifest.mediaType,
        digest: manifest.digest,
        size: manifest.bytes.length,
        artifactType: manifest.artifactType,
        annotations: manifest.annotations,
      }))
    const filtered = artifactType === null ? {} : { 'oci-filters-applied': 'artifactType' }
    const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests }
    return jsonAnswer(200, index, { 'content-type': OCI_INDEX, ...filtered })
  }
}

function onlyRead(method: string): void {
  if (method !== 'GET' && method !== 'HEAD') throw new DamselflyError('UNSUPPORTED', 'lists are read by GET')
}

function pageSize(text: string | null): number {
  if (text === null) return Number.POSITIVE_INFINITY
  if (!/^\d{1,9}$/.test(text)) throw new DamselflyError('REQUEST_INVALID', 'n is a number of tags')
  return Number(text)
}
