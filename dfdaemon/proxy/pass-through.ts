import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UpstreamFetcher, UpstreamResponse } from '../../lib/origin/http-fetch.ts'
import { MANIFEST_TYPES } from '../../protocol/image-manifest.ts'
import { readBody } from '../manifests/read-body.ts'
import { NOT_FOUND, refusalBody } from './oci-failure.ts'
import type { Requester } from './requester.ts'
import { mirrorUrl, type UpstreamTarget } from './upstream.ts'

const REQUEST_HEADERS = ['accept', 'if-none-match', 'user-agent'] as const
const RESPONSE_HEADERS = [
  'content-length',
  'content-type',
  'docker-content-digest',
  'docker-distribution-api-version',
  'docker-ratelimit-source',
  'etag',
  'oci-filters-applied',
  'oci-subject',
  'ratelimit-limit',
  'ratelimit-remaining',
  'retry-after',
  'warning',
  'www-authenticate',
] as const

/** Where a request goes, and with what authority. */
export interface PassTarget {
  readonly target: UpstreamTarget
  readonly requester: Requester
  readonly signal: AbortSignal
}

/**
 * Answers with what the upstream registry says: tags, referrers, `HEAD` of blobs, manifests that are not to be remembered.
 * @throws DamselflyError ORIGIN_UNREACHABLE, ORIGIN_FAILED
 */
export async function passThrough(
  fetcher: UpstreamFetcher,
  request: FastifyRequest,
  reply: FastifyReply,
  { target, requester, signal }: PassTarget,
): Promise<FastifyReply> {
  const { headers, credentials } = requester
  const response = await fetcher.fetch({
    url: upstreamUrl(request.url, target),
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    headers: { ...passedHeaders(request, target), ...headers },
    ...(credentials === undefined ? {} : { credentials }),
    signal,
  })
  return sendResponse(request, reply, target, response, await readBody(response))
}

/** Hands on a registry's answer. */
export function sendResponse(
  request: FastifyRequest,
  reply: FastifyReply,
  target: UpstreamTarget,
  response: UpstreamResponse,
  body: Uint8Array,
): FastifyReply {
  for (const name of RESPONSE_HEADERS) {
    const value = response.headers[name]
    if (value !== undefined && (name !== 'content-length' || request.method === 'HEAD')) reply.header(name, value)
  }
  const { link } = response.headers
  if (link !== undefined) reply.header('link', link.replace('</v2/', `</v2${target.prefix}/`))
  reply.code(response.status)
  if (request.method === 'HEAD') return reply.send()
  const { status, headers } = response
  // Clients look for words in the OCI form, and show nothing of a page.
  const isUnderstood = status < 400 || (body.length > 0 && /json/.test(headers['content-type'] ?? ''))
  if (isUnderstood) return reply.send(Buffer.from(body))
  return reply.type('application/json').send(refusalBody(status, NOT_FOUND[target.path.kind], target.registry))
}

/** The caller's `Accept`, and the manifest types that it did not name. */
export function acceptOf({ headers }: FastifyRequest): string {
  const ranges = (headers.accept ?? '').split(',').map(range => range.trim())
  const given = ranges.filter(range => range !== '')
  const named = given.map(range => range.split(';', 1)[0]?.trim())
  return [...given, ...MANIFEST_TYPES.filter(type => !named.includes(type))].join(', ')
}

/** The URL of a request at its registry: without the mirror's own prefix and `ns`. */
export function upstreamUrl(requestUrl: string, { baseUrl, prefix }: UpstreamTarget): string {
  const url = mirrorUrl(requestUrl)
  url.searchParams.delete('ns')
  // The target was made from the decoded path, and consists of characters that need no encoding.
  const path = decodeURIComponent(url.pathname).slice('/v2'.length + prefix.length)
  return `${baseUrl}/v2${path}${url.search}`
}

function passedHeaders(request: FastifyRequest, { path }: UpstreamTarget): Record<string, string> {
  const passed: Record<string, string> = {}
  for (const name of REQUEST_HEADERS) {
    const value = request.headers[name]
    if (typeof value === 'string' && value !== '') passed[name] = value
  }
  return path.kind === 'manifest' ? { ...passed, accept: acceptOf(request) } : passed
}
