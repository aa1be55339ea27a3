import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import type { ManifestSource } from '../manifests/manifest-source.ts'
import { acceptOf, passThrough, sendResponse } from './pass-through.ts'
import type { Requester } from './requester.ts'
import type { UpstreamTarget } from './upstream.ts'

/** Where a manifest request goes, and with what authority. */
export interface ManifestTarget {
  readonly target: UpstreamTarget
  readonly requester: Requester
  readonly name: string
  readonly reference: string
  readonly signal: AbortSignal
}

/** Answers `GET` and `HEAD` of a manifest, byte for byte as its registry sent it. */
export async function answerManifest(
  { fetcher, manifests }: { fetcher: UpstreamFetcher; manifests: ManifestSource },
  request: FastifyRequest,
  reply: FastifyReply,
  wanted: ManifestTarget,
): Promise<FastifyReply> {
  const answer = await manifests.answer({ ...wanted, accept: acceptOf(request) })
  if (answer.kind === 'bypass') return passThrough(fetcher, request, reply, wanted)
  if (answer.kind === 'response') return sendResponse(request, reply, wanted.target, answer.response, answer.body)
  const { digest, mediaType, bytes } = answer.manifest
  const unchanged = request.headers['if-none-match']?.includes(`"${digest}"`) === true
  reply.code(unchanged ? 304 : 200).headers({
    'content-type': mediaType,
    ...(unchanged ? {} : { 'content-length': bytes.length }),
    'docker-content-digest': digest,
    'docker-distribution-api-version': 'registry/2.0',
    etag: `"${digest}"`,
    ...(answer.warning === undefined ? {} : { warning: answer.warning }),
  })
  return unchanged || request.method === 'HEAD' ? reply.send() : reply.send(Buffer.from(bytes))
}
