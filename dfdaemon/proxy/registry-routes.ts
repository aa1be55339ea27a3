import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toTableError } from '../../lib/http/api-server.ts'
import type { Logger } from '../../lib/logger.ts'
import type { CredentialStore } from '../../lib/origin/credentials/credential-store.ts'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { DamselflyError, ociErrorBody } from '../../protocol/errors.ts'
import type { ManifestSource } from '../manifests/manifest-source.ts'
import { answerBlob, answerStoredHead, type BlobComponents } from './blob.ts'
import type { LoopGuard } from './loop-guard.ts'
import { answerManifest } from './manifest.ts'
import { answerFailure, NOT_FOUND } from './oci-failure.ts'
import { passThrough, upstreamUrl } from './pass-through.ts'
import { requesterOf } from './requester.ts'
import { chooseUpstream, decodePath, type UpstreamRules, type UpstreamTarget, withRegistryBehind } from './upstream.ts'

export interface RegistryRouteComponents extends BlobComponents {
  readonly fetcher: UpstreamFetcher
  readonly manifests: ManifestSource
  /** This daemon's own accounts. */
  readonly credentials: CredentialStore
  readonly rules: UpstreamRules
  readonly loopGuard: LoopGuard
  readonly logger: Logger
  readonly account: { blobBytes(bytes: number): void; request(kind: string): void; failed(code: string): void }
}

/** The registry mirror: everything under `/v2/`. Blobs come through the swarm, the rest from the registry. */
export function addRegistryRoutes(app: FastifyInstance, components: RegistryRouteComponents): void {
  // Whom it lets read what is for the registry to say. What registries answer is for the OCI distribution spec to say. How many requests a pull has is for runtimes to say: it is the
  // number of connections, and what registries allow, that bounds them.
  const options = { schema: { hide: true }, config: { access: 'public', unlimited: true } } as const
  app.register(async v2 => {
    v2.setErrorHandler((thrown, _request, reply) => {
      const error = toTableError(thrown)
      components.account.failed(error.code)
      return reply.code(error.status).send(ociErrorBody(error))
    })
    // Before any body is read, so that uploads hear why they are refused.
    v2.addHook('onRequest', async request => {
      components.loopGuard.check(request.headers.via)
      requireReading(request)
    })
    // Runtimes learn from this route whether a mirror wants credentials; on loopback it never does (contracts §0 rules 8, 10).
    for (const base of ['/v2', '/v2/', '/:registry/v2', '/:registry/v2/']) {
      v2.all(base, options, (_request, reply) => answerBase(reply))
    }
    v2.all('/v2/*', options, (request, reply) => answer(components, request, reply))
    v2.all('/:registry/v2/*', options, (request, reply) => {
      request.raw.url = withRegistryBehind(request.url)
      return answer(components, request, reply)
    })
  })
}

async function answerBase(reply: FastifyReply): Promise<FastifyReply> {
  return reply.header('docker-distribution-api-version', 'registry/2.0').send({})
}

async function answer(
  components: RegistryRouteComponents,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path = '', query] = request.url.split('?', 2)
  const header = request.headers['x-dragonfly-registry']
  const hints = {
    ns: new URLSearchParams(query).get('ns') ?? undefined,
    registryHeader: Array.isArray(header) ? header[0] : header,
  }
  const target = chooseUpstream(decodePath(path), hints, components.rules)
  components.account.request(target.path.kind)
  // Not a header of the reply, because blobs are written past it.
  if (hints.ns === target.registry) reply.raw.setHeader('oci-namespace', target.registry)
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('the client hung up')))
  try {
    return await route(components, request, reply, target, gone.signal)
  } catch (error) {
    const { code } = toTableError(error)
    components.account.failed(code)
    components.logger.debug({ registry: target.registry, kind: target.path.kind, error }, 'registry request failed')
    return answerFailure(reply, error, NOT_FOUND[target.path.kind])
  }
}

async function route(
  components: RegistryRouteComponents,
  request: FastifyRequest,
  reply: FastifyReply,
  target: UpstreamTarget,
  signal: AbortSignal,
): Promise<FastifyReply> {
  const { path } = target
  if (path.kind === 'upload') throw new DamselflyError('UNSUPPORTED', 'a mirror takes no uploads; push to the registry')
  const requester = await requesterOf(request.headers.authorization, target, components.credentials, { signal })
  if (path.kind === 'manifest') {
    // Its blobs will be asked for next. Who asks with HEAD may only look whether a tag has moved.
    if (target.p2p && request.method === 'GET') components.peer.makeWay()
    return answerManifest(components, request, reply, { target, requester, ...path, signal })
  }
  if (path.kind !== 'blob') return passThrough(components.fetcher, request, reply, { target, requester, signal })

  const source = { url: upstreamUrl(request.url, target), digest: path.digest, ...requester }
  if (request.method !== 'HEAD') {
    const { registry, p2p } = target
    return answerBlob(components, request, reply, source, { registry, repository: path.name, p2p, signal })
  }
  const storedBytes = await components.peer.storedSize(path.digest)
  const told = await components.access.check(source, { allowStale: storedBytes !== undefined, signal })
  const sizeBytes = storedBytes ?? told.sizeBytes
  if (sizeBytes !== undefined) return answerStoredHead(reply, path.digest, sizeBytes)
  // Behind a redirect may be somebody who knows the length.
  return passThrough(components.fetcher, request, reply, { target, requester, signal })
}

function requireReading({ method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  throw new DamselflyError('UNSUPPORTED', 'a mirror is read only; push to the registry itself')
}
