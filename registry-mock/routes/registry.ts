import type { Clock } from '../../lib/clock.ts'
import { isDigest } from '../../protocol/digest.ts'
import { parseRegistryPath, type RegistryPath } from '../../protocol/registry-path.ts'
import { type Answer, jsonAnswer } from '../answer.ts'
import type { Authorizer } from '../auth/authorizer.ts'
import type { RepositoryAccess } from '../auth/scope.ts'
import { answerByFault } from '../fault-answer.ts'
import type { FaultSubject, Faults } from '../faults.ts'
import type { RegistryRequest } from '../registry-request.ts'
import { type BlobRouteComponents, createBlobRoute } from './blob.ts'
import { createReferrersRoute, createTagsRoute } from './listings.ts'
import { createManifestRoute } from './manifest.ts'
import { createUploadRoute, type UploadRouteComponents } from './upload.ts'

/** What everything under `/v2/` works with. */
export interface RegistryRouteComponents extends BlobRouteComponents, UploadRouteComponents {
  readonly authorizer: Authorizer
  readonly faults: Faults
  readonly clock: Clock
}

/** Everything under `/v2/`: read the path, check who asks, misbehave if told to, answer. */
export function createRegistryRoute(components: RegistryRouteComponents) {
  const blob = createBlobRoute(components)
  const manifest = createManifestRoute(components)
  const tags = createTagsRoute(components)
  const referrers = createReferrersRoute(components)
  const upload = createUploadRoute(components)

  return async (request: RegistryRequest): Promise<Answer> => {
    const path = parseRegistryPath(request.path)
    const credentials = { authorization: request.headers.authorization, baseUrl: request.baseUrl }
    const challenge = components.authorizer.challenge(credentials, neededAccess(request.method, path))
    if (challenge !== undefined) return challenge
    const subject = faultSubject(request.method, path)
    const faulty = await answerByFault(components, subject, request.signal)
    if (faulty !== undefined) return faulty
    const answer = await route(request, path)
    return answer.status < 300 ? { subject, ...answer } : answer
  }

  function route(request: RegistryRequest, path: RegistryPath): Answer | Promise<Answer> {
    switch (path.kind) {
      case 'base':
        return jsonAnswer(200, {})
      case 'blob':
        return blob(request, path)
      case 'manifest':
        return manifest(request, path)
      case 'tags':
        return tags(request, path)
      case 'referrers':
        return referrers(request, path)
      case 'upload':
        return upload(request, path)
    }
  }

  function faultSubject(method: string, path: RegistryPath): FaultSubject {
    const redirects = components.redirectTo !== undefined && path.kind === 'blob' && method === 'GET'
    const digest = path.kind === 'manifest' ? manifestDigest(path) : 'digest' in path ? path.digest : undefined
    const repository = path.kind === 'base' ? undefined : path.name
    return { kind: redirects ? 'redirect' : path.kind, method, digest, repository }
  }

  function manifestDigest({ name, reference }: Extract<RegistryPath, { kind: 'manifest' }>): string | undefined {
    return isDigest(reference) ? reference : components.repositories.findManifest(name, reference)?.digest
  }
}

function neededAccess(method: string, path: RegistryPath): RepositoryAccess | undefined {
  if (path.kind === 'base') return undefined
  const reads = method === 'GET' || method === 'HEAD'
  return { name: path.name, actions: reads ? ['pull'] : ['pull', 'push'] }
}
