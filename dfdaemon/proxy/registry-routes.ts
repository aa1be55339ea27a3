import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { toTableError } from '../../lib/http/api-server.ts'
import type { Logger } from '../../lib/logger.ts'
import type { CredentialStore } from '../../lib/origin/credentials/credential-store.ts'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { DamselflyError, ociErrorBody } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'
import type { ManifestSource } from '../manifests/manifest-source.ts'
import { answerBlob, answerStoredHead, type BlobComponents } from './blob.ts'
import { answerManifest } from './manifest.ts'
import { answerFailure, type NotFoundCode } from './oci-failure.ts'
import { passThrough, upstreamUrl } from './pass-through.ts'
import { requesterOf } from './requester.ts'
import { chooseUpstream, type UpstreamRules, type UpstreamTarget } from './upstream.ts'

export interface RegistryRouteComponents extends BlobComponents {
  readonly fetcher: UpstreamFetcher
  readonly manifests: ManifestSource
  /** This daemon's own accounts. */
  readonly credentials: CredentialStore
  readonly rules: UpstreamRules
  readonly logger: Logger
  readonly account: { blobBytes(bytes: number): void; request(kind: string): void; failed(code: string): void }
}

const NOT_FOUND: Record<RegistryPath['kind'], NotFoundCode> = {
  base: 'NAME_UNKNOWN',
  blob: 'BLOB_UNKNOWN',
  manifest: 'MANIFEST_UNKNOWN',
  tags: 'NAME_UNKNOWN',
  referrers: 'NAME_UNKNOWN',
  upload: 'NAME_UNKNOWN',
}

/** The registry mirror: everything under `/v2/`. Blobs come through the swarm, the rest from the registry. */
export function addRegistryRoutes(app: FastifyInstance, components: RegistryRouteComponents): void {
  app.register(async v2 => {
    v2.setErrorHandler((thrown, _request, reply) => {
      const error = toTableError(thrown)
      components.account.failed(error.code)
      return reply.code(error.status).send(ociErrorBody(error))
    })
    // Before any body is read, so that uploads hear why they are refused.
    v2.addHook('onRequest', async request => requireReading(request))
    // Runtimes learn from this route whether a mirror wants credentials; on loopback it never does (contracts §0 rules 8, 10).
    v2.all('/v2', (_request, reply) => answerBase(reply))
    v2.all('/v2/', (_request, reply) => answerBase(reply))
    v2.all('/v2/*', (request, reply) => answer(components, request, reply))
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
  const { ns } = request.query as { ns?: string | string[] }
  const path = request.url.split('?', 1)[0] ?? ''
  const header = request.headers['x-dragonfly-registry']
  const hints = {
    ns: Array.isArray(ns) ? ns[0] : ns,
    registryHeader: Array.isArray(header) ? header[0] : header,
  }
  const target = chooseUpstream(decodePath(path), hints, components.rules)
  components.account.request(target.path.kind)
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
    return answerManifest(components, request, reply, { target, requester, ...path, signal })
  }
  if (path.kind !== 'blob') return passThrough(components.fetcher, request, reply, { target, requester, signal })

  const source = { url: upstreamUrl(request.url, target), digest: path.digest, ...requester }
  if (request.method !== 'HEAD') return answerBlob(components, request, reply, source, { p2p: target.p2p, signal })
  const sizeBytes = await components.peer.storedSize(path.digest)
  if (sizeBytes === undefined) return passThrough(components.fetcher, request, reply, { target, requester, signal })
  await components.access.check(source, { allowStale: true, signal })
  return answerStoredHead(reply, path.digest, sizeBytes)
}

function requireReading({ method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD') return
  throw new DamselflyError('UNSUPPORTED', 'a mirror is read only; push to the registry itself')
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (error) {
    throw new DamselflyError('NAME_INVALID', 'the path is not valid percent-encoding', { cause: error })
  }
}
