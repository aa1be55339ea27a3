import type { FastifyReply } from 'fastify'
import { apiErrorBody } from '../../lib/http/api-server.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { OutboundRefusal } from '../../lib/origin/outbound/outbound-refusal.ts'
import { DamselflyError, type ErrorCode, type OciErrorBody, ociErrorBody } from '../../protocol/errors.ts'
import type { RegistryPath } from '../../protocol/registry-path.ts'

/** What the client is told is missing when nothing better is known. */
export type NotFoundCode = 'BLOB_UNKNOWN' | 'MANIFEST_UNKNOWN' | 'NAME_UNKNOWN'

/** What is missing, by what was asked for. */
export const NOT_FOUND: Readonly<Record<RegistryPath['kind'], NotFoundCode>> = {
  base: 'NAME_UNKNOWN',
  blob: 'BLOB_UNKNOWN',
  manifest: 'MANIFEST_UNKNOWN',
  tags: 'NAME_UNKNOWN',
  referrers: 'NAME_UNKNOWN',
  upload: 'NAME_UNKNOWN',
}

/** Codes by the status of an upstream that says no more. */
const CODES: Readonly<Record<number, ErrorCode>> = { 401: 'UNAUTHORIZED', 403: 'DENIED', 429: 'TOOMANYREQUESTS' }

const PASSED_HEADERS = ['www-authenticate', 'retry-after'] as const

/** Refusals that the origin gave to this caller: the client hears them as they are. */
const PASSED_CODES: ReadonlySet<ErrorCode> = new Set(['UNAUTHORIZED', 'DENIED', 'TOOMANYREQUESTS', 'RANGE_INVALID'])

/** Clients that lose nothing by a 5xx for a blob, and show their users no more of a failed one than the mirror's status. */
const STATUS_READERS = /^(?:containerd|containers|skopeo|buildah|libpod|cri-o)\//i

/**
 * Answers a request that failed before its first byte, in the OCI form. Whatever is our fault or the upstream's becomes a 404,
 * because dockerd goes to its next registry at once on a 404 and burns a minute of retries on a 5xx (contracts §0 rule 3).
 * containerd goes on after either, containers/image after neither; they hear the upstream's own status.
 */
export function answerFailure(reply: FastifyReply, thrown: unknown, notFound: NotFoundCode): FastifyReply {
  const error = clientError(thrown, notFound)
  if (thrown instanceof OriginError) {
    for (const name of PASSED_HEADERS) {
      const value = thrown.originHeaders?.[name]
      if (value !== undefined) reply.header(name, value)
    }
  }
  const { 'user-agent': client = '' } = reply.request.headers
  const outright = notFound === 'BLOB_UNKNOWN' && STATUS_READERS.test(client)
  const status = outright ? (outageStatus(thrown) ?? error.status) : error.status
  return reply.code(status).type('application/json').send(spoken(error))
}

/** The body of an upstream's refusal that says nothing that clients understand. @param registry its name */
export function refusalBody(status: number, notFound: NotFoundCode, registry: string): OciErrorBody {
  const code = status === 404 ? notFound : (CODES[status] ?? 'ORIGIN_FAILED')
  return spoken(new DamselflyError(code, `${registry} answered ${status}`))
}

/** Clients show the message only, so it has the detail too. */
function spoken(error: DamselflyError): OciErrorBody {
  return { errors: ociErrorBody(error).errors.map(entry => ({ ...entry, message: error.message })) }
}

/** The body of a failed request: in the OCI form under `/v2`, in that of the API elsewhere. */
export function mirrorErrorBody(error: DamselflyError, url: string): object {
  return /^\/v2(?:[/?]|$)/.test(url) ? ociErrorBody(error) : apiErrorBody(error)
}

/** The status of an upstream that fails, or ours where it gave no answer or is not asked; undefined for its refusals. */
function outageStatus(thrown: unknown): number | undefined {
  if (thrown instanceof OutboundRefusal) return thrown.status
  if (!(thrown instanceof DamselflyError) || thrown.status < 500) return undefined
  const { originStatus = 0 } = thrown instanceof OriginError ? thrown : {}
  return originStatus >= 500 ? originStatus : thrown.status
}

function clientError(thrown: unknown, notFound: NotFoundCode): DamselflyError {
  if (!(thrown instanceof DamselflyError)) return new DamselflyError(notFound, 'the mirror failed', { cause: thrown })
  // It is this mirror that does not go there. A runtime that reads 403 as the registry's word would not ask the registry itself.
  if (thrown instanceof OutboundRefusal) return new DamselflyError(notFound, thrown.message, { cause: thrown })
  if (thrown.code === 'BLOB_UNKNOWN') return new DamselflyError(notFound, thrown.detail, { cause: thrown })
  if (PASSED_CODES.has(thrown.code) || thrown.status < 500) return thrown
  return new DamselflyError(notFound, thrown.message, { cause: thrown })
}
