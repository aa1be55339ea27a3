import { DamselflyError } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'
import { type Answer, emptyAnswer } from '../answer.ts'
import type { ContentStore } from '../content-store.ts'
import type { Faults } from '../faults.ts'
import type { RegistryRequest } from '../registry-request.ts'
import type { Repositories } from '../repositories.ts'
import type { Stats } from '../stats.ts'
import { answerBlob } from './blob-answer.ts'

/** What the route works with. `redirectTo` is absent when blobs are not redirected. */
export interface BlobRouteComponents {
  readonly repositories: Repositories
  readonly content: ContentStore
  readonly faults: Faults
  readonly stats: Stats
  readonly redirectTo?: ((path: Extract<RegistryPath, { kind: 'blob' }>) => string) | undefined
}

/** `GET` and `HEAD /v2/<name>/blobs/<digest>`. */
export function createBlobRoute(components: BlobRouteComponents) {
  const { repositories, content, stats, redirectTo } = components
  return (request: RegistryRequest, path: Extract<RegistryPath, { kind: 'blob' }>): Answer => {
    const { method, headers } = request
    if (method !== 'GET' && method !== 'HEAD') throw new DamselflyError('UNSUPPORTED', 'blobs are read by GET and HEAD')
    const blob = repositories.hasBlob(path.name, path.digest) ? content.find(path.digest) : undefined
    if (blob === undefined) throw new DamselflyError('BLOB_UNKNOWN')
    if (redirectTo !== undefined && method === 'GET') {
      stats.countRedirect(path.digest)
      return emptyAnswer(307, { location: redirectTo(path) })
    }
    const subject = { kind: 'blob', method, digest: path.digest, repository: path.name } as const
    return answerBlob(components, { method, headers, digest: path.digest, content: blob, subject })
  }
}
