import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UpstreamFetcher, UpstreamResponse } from '../../lib/origin/http-fetch.ts'
import { digestAlgorithm, digestOf, isDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { UpstreamTarget } from './upstream.ts'

/** Manifest types that go upstream when the client names none: without them old registries convert to schema 1 (contracts §1). */
const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

const REQUEST_HEADERS = ['accept', 'authorization', 'if-none-match', 'user-agent'] as const
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

/** Larger manifests than this are refused; the distribution spec wants at least 4 MiB to be accepted. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

/**
 * Answers with what the upstream registry says: manifests, tags, referrers and `HEAD` of blobs. Bodies go through byte for byte.
 * @throws DamselflyError ORIGIN_UNREACHABLE, ORIGIN_FAILED, CONTENT_CORRUPT (a manifest with another digest than asked for)
 */
export async function passThrough(
  fetcher: UpstreamFetcher,
  request: FastifyRequest,
  reply: FastifyReply,
  target: UpstreamTarget,
): Promise<FastifyReply> {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort(new Error('the client hung up')))
  const response = await fetcher.fetch({
    url: upstreamUrl(request.url, target),
    method: request.method === 'HEAD' ? 'HEAD' : 'GET',
    headers: requestHeaders(request, target),
    signal: gone.signal,
  })
  const body = await readBody(response)
  verify(target, request.method, response.status, body)
  for (const name of RESPONSE_HEADERS) {
    const value = response.headers[name]
    if (value !== undefined && (name !== 'content-length' || request.method === 'HEAD')) reply.header(name, value)
  }
  const { link } = response.headers
  if (link !== undefined) reply.header('link', link.replace('</v2/', `</v2${target.prefix}/`))
  reply.code(response.status)
  return request.method === 'HEAD' ? reply.send() : reply.send(body)
}

/** The caller's headers that may go to its registry. */
export function requestHeaders({ headers }: FastifyRequest, { path }: UpstreamTarget): Record<string, string> {
  const passed: Record<string, string> = path.kind === 'manifest' ? { accept: MANIFEST_TYPES } : {}
  for (const name of REQUEST_HEADERS) {
    const value = headers[name]
    if (typeof value === 'string' && value !== '' && !(name === 'accept' && value === '*/*')) passed[name] = value
  }
  return passed
}

/** The URL of a request at its registry: without the mirror's own prefix and `ns`. */
export function upstreamUrl(requestUrl: string, { baseUrl, prefix }: UpstreamTarget): string {
  const url = new URL(requestUrl, 'http://mirror')
  url.searchParams.delete('ns')
  // The target was made from the decoded path, and consists of characters that need no encoding.
  const path = decodeURIComponent(url.pathname).slice('/v2'.length + prefix.length)
  return `${baseUrl}/v2${path}${url.search}`
}

async function readBody({ body }: UpstreamResponse): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) throw new DamselflyError('ORIGIN_FAILED', `a body over ${MAX_BODY_BYTES} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}

function verify({ path }: UpstreamTarget, method: string, status: number, body: Uint8Array): void {
  if (path.kind !== 'manifest' || method === 'HEAD' || status !== 200 || !isDigest(path.reference)) return
  if (digestOf(body, digestAlgorithm(path.reference)) === path.reference) return
  throw new DamselflyError('CONTENT_CORRUPT', 'the registry sent another manifest than asked for')
}
