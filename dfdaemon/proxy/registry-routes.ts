import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import { toTableError } from '../../lib/http/api-server.ts'
import type { Logger } from '../../lib/logger.ts'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { DamselflyError, ociErrorBody } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'
import { answerBlob, answerStoredHead } from './blob.ts'
import { answerFailure, type NotFoundCode } from './oci-failure.ts'
import { passThrough, requestHeaders, upstreamUrl } from './pass-through.ts'
import { chooseUpstream, type UpstreamRules, type UpstreamTarget } from './upstream.ts'

export interface RegistryRouteComponents {
  readonly peer: Peer
  readonly fetcher: UpstreamFetcher
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
  const target = chooseUpstream(decodePath(path), Array.isArray(ns) ? ns[0] : ns, components.rules)
  components.account.request(target.path.kind)
  try {
    return await route(components, request, reply, target)
  } catch (error) {
    const { code } = toTableError(error)
    components.account.failed(code)
    components.logger.debug({ registry: target.registry, kind: target.path.kind, error }, 'registry request failed')
    return answerFailure(reply, error, NOT_FOUND[target.path.kind])
  }
}

async function route(
  { peer, fetcher, logger, account }: RegistryRouteComponents,
  request: FastifyRequest,
  reply: FastifyReply,
  target: UpstreamTarget,
): Promise<FastifyReply> {
  const { path } = target
  if (path.kind === 'upload') throw new DamselflyError('UNSUPPORTED', 'a mirror takes no uploads; push to the registry')
  if (path.kind !== 'blob') return passThrough(fetcher, request, reply, target)
  if (request.method === 'HEAD') {
    const task = (await peer.tasks()).find(({ id }) => id === taskIdOfDigest(path.digest))
    if (task?.state === 'complete') return answerStoredHead(reply, path.digest, task.storedBytes)
    return passThrough(fetcher, request, reply, target)
  }
  const { authorization } = requestHeaders(request, target)
  const headers = authorization === undefined ? {} : { authorization }
  const source = { url: upstreamUrl(request.url, target), headers, digest: path.digest }
  return answerBlob({ peer, logger, account: account.blobBytes }, request, reply, source)
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
