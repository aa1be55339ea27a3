import type { ErrorCode } from '../../protocol/errors.ts'
import { readBeginning } from './bounded-body.ts'
import type { UpstreamResponse } from './http-fetch.ts'
import { ORIGIN_BODY_LIMIT_BYTES, OriginError } from './origin-error.ts'

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: 'UNAUTHORIZED',
  403: 'DENIED',
  404: 'BLOB_UNKNOWN',
  410: 'BLOB_UNKNOWN',
  416: 'RANGE_INVALID',
  429: 'TOOMANYREQUESTS',
}

/** What of an origin's answer explains a failure. `Location` is not among them: it may be presigned. */
const EXPLAINING_HEADERS = [
  'content-type',
  'docker-distribution-api-version',
  'docker-ratelimit-source',
  'ratelimit-limit',
  'ratelimit-remaining',
  'retry-after',
  'warning',
  'www-authenticate',
]

/** The error for an answer that is no content. Reads the beginning of its body and frees the connection. */
export async function failureOf(host: string, response: UpstreamResponse): Promise<OriginError> {
  const originBody = await readBeginning(response.body, ORIGIN_BODY_LIMIT_BYTES)
  const { status, headers } = response
  const originHeaders = Object.fromEntries(EXPLAINING_HEADERS.flatMap(name => entry(name, headers[name])))
  const answer = { originStatus: status, originHeaders, originBody }
  return new OriginError(CODES[status] ?? 'ORIGIN_FAILED', `${host} answered ${status}`, answer)
}

/** The error for an answer with a good status that breaks HTTP or our needs. Frees the connection. */
export function unusable(host: string, response: UpstreamResponse, what: string): OriginError {
  response.body.destroy()
  return new OriginError('ORIGIN_FAILED', `${host} answered ${response.status} ${what}`, {
    originStatus: response.status,
  })
}

function entry(name: string, value: string | undefined): [string, string][] {
  return value === undefined ? [] : [[name, value]]
}
