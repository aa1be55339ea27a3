import type { FastifyReply } from 'fastify'
import { apiErrorBody } from '../../lib/http/api-server.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError, type ErrorCode, ociErrorBody } from '../../protocol/errors.ts'

/** What the client is told is missing when nothing better is known. */
export type NotFoundCode = 'BLOB_UNKNOWN' | 'MANIFEST_UNKNOWN' | 'NAME_UNKNOWN'

const PASSED_HEADERS = ['www-authenticate', 'retry-after'] as const

/** Refusals that the origin gave to this caller: the client hears them as they are. */
const PASSED_CODES: ReadonlySet<ErrorCode> = new Set(['UNAUTHORIZED', 'DENIED', 'TOOMANYREQUESTS', 'RANGE_INVALID'])

/**
 * Answers a request that failed before its first byte, in the OCI form. Whatever is our fault or the upstream's becomes a 404,
 * because runtimes go to their next registry at once on a 404 and burn a minute of retries on a 5xx (contracts §0 rule 3).
 */
export function answerFailure(reply: FastifyReply, thrown: unknown, notFound: NotFoundCode): FastifyReply {
  const error = clientError(thrown, notFound)
  if (thrown instanceof OriginError) {
    for (const name of PASSED_HEADERS) {
      const value = thrown.originHeaders?.[name]
      if (value !== undefined) reply.header(name, value)
    }
  }
  return reply.code(error.status).type('application/json').send(ociErrorBody(error))
}

/** The body of a failed request: in the OCI form under `/v2`, in that of the API elsewhere. */
export function mirrorErrorBody(error: DamselflyError, url: string): object {
  return /^\/v2(?:[/?]|$)/.test(url) ? ociErrorBody(error) : apiErrorBody(error)
}

function clientError(thrown: unknown, notFound: NotFoundCode): DamselflyError {
  if (!(thrown instanceof DamselflyError)) return new DamselflyError(notFound, 'the mirror failed', { cause: thrown })
  if (PASSED_CODES.has(thrown.code) || thrown.status < 500) return thrown
  return new DamselflyError(notFound, thrown.message, { cause: thrown })
}
