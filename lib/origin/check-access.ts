import { parseContentRange } from '../../protocol/range.ts'
import { discard } from './bounded-body.ts'
import { contentLength, validatorOf } from './content-plan.ts'
import type { UpstreamFetcher, UpstreamResponse } from './http-fetch.ts'
import { parseHttpUrl } from './http-url.ts'
import type { OriginInfo, Source } from './origin.ts'
import { failureOf } from './origin-failure.ts'
import { contentRequestHeaders } from './request-headers.ts'

/**
 * Asks an origin whether it lets the requester read, see {@link Origin.check}. A registry redirects only those who may read,
 * mostly to a URL presigned for another method, so a redirect to elsewhere is its yes. Any other server may be sending the
 * requester to a login page: there the redirect is followed for one byte, and the caller gets to see what lies behind.
 */
export async function checkAccess(
  fetcher: UpstreamFetcher,
  source: Source,
  signal: AbortSignal | undefined,
): Promise<OriginInfo> {
  const { url, credentials } = source
  const { host, pathname } = parseHttpUrl(url)
  const [, kind] = /^\/v2\/.+\/(blobs|manifests)\/[^/]+$/.exec(pathname) ?? []
  const isRegistry = kind !== undefined
  const redirect = 'same-origin'

  const head = await fetcher.fetch({
    url,
    method: 'HEAD',
    headers: contentRequestHeaders(source.headers),
    credentials,
    signal,
    redirect,
  })
  if (isYes(head) || (isRegistry && isRedirect(head))) return info(head, 'HEAD')
  if (!wantsGet(head, kind)) throw await failure(host, head, signal)
  discard(head.body)

  const get = await fetcher.fetch({
    url,
    method: 'GET',
    headers: contentRequestHeaders(source.headers, 'bytes=0-0'),
    credentials,
    signal,
    redirect: isRegistry ? redirect : 'follow',
  })
  // Whoever is told that content has no bytes may read it.
  if (isYes(get) || (isRegistry && isRedirect(get)) || isEmpty(get)) return info(get, 'GET')
  throw await failure(host, get, signal)
}

/**
 * Servers without HEAD, redirects that prove nothing, URLs that are presigned for GET only, and blobs that a cache has yet to
 * fetch: Harbor's proxy-cache projects do not find those by HEAD, only by GET.
 */
function wantsGet(head: UpstreamResponse, kind: string | undefined): boolean {
  const { status } = head
  if (status === 405 || status === 501) return true
  if (kind !== undefined) return kind === 'blobs' && status === 404
  return isRedirect(head) || status === 400 || status === 403
}

function isYes({ status }: UpstreamResponse): boolean {
  return status >= 200 && status < 300
}

function isRedirect({ status, headers }: UpstreamResponse): boolean {
  return status >= 300 && status < 400 && headers.location !== undefined
}

/** Only content without bytes has no first one (RFC 9110 §15.5.17); S3 does not say so in a header. */
function isEmpty({ status, headers }: UpstreamResponse): boolean {
  return status === 416 && (headers['content-range'] ?? 'bytes */0') === 'bytes */0'
}

function info(response: UpstreamResponse, method: 'GET' | 'HEAD'): OriginInfo {
  const { status, headers } = response
  if (method === 'GET' && status === 200) response.body.destroy()
  else discard(response.body)
  // The length and validator of a redirect are those of its own body.
  if (isRedirect(response)) return { sizeBytes: undefined, validator: undefined }
  if (isEmpty(response)) return { sizeBytes: 0, validator: validatorOf(headers) }
  const range = status === 206 ? parseContentRange(headers['content-range']) : undefined
  const length = status === 200 && isIdentity(headers) ? contentLength(headers['content-length']) : undefined
  const sizeBytes = range?.sizeBytes ?? (length === 'bad' ? undefined : length)
  return { sizeBytes, validator: validatorOf(headers) }
}

function isIdentity(headers: UpstreamResponse['headers']): boolean {
  return /^(?:identity)?$/i.test(headers['content-encoding'] ?? '')
}

async function failure(host: string, response: UpstreamResponse, signal: AbortSignal | undefined): Promise<unknown> {
  const error = await failureOf(host, response)
  return signal?.aborted ? signal.reason : error
}
