import { DamselflyError } from '../../protocol/errors.ts'
import { OriginError } from './origin-error.ts'
import { OutboundRefusal } from './outbound/outbound-refusal.ts'
import { ResponseBoundError } from './outbound/response-bound-error.ts'
import { proxyRefusal } from './proxy.ts'

const HEADERS_OVERFLOW = 'UND_ERR_HEADERS_OVERFLOW'

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ENOTFOUND: 'the host name is unknown',
  EAI_AGAIN: 'the host name could not be resolved now',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no connection in time',
  UND_ERR_PRX_CONN: 'the proxy closed the connection',
  UND_ERR_PRX_TLS: 'the certificate of the proxy is not its own',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  [HEADERS_OVERFLOW]: 'the headers are too long',
  UND_ERR_HEADERS_TIMEOUT: 'no response in time',
  UND_ERR_BODY_TIMEOUT: 'nothing sent in time',
  UND_ERR_SOCKET: 'connection closed',
  UND_ERR_DESTROYED: 'the client is stopped',
  UND_ERR_CLOSED: 'the client is stopped',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'connection closed',
}

/** Why a connection failed, in words that carry nothing of the request. */
export function connectionReason(error: unknown): string {
  const code = connectionCode(error)
  const refusal = proxyRefusal(error)
  if (refusal !== undefined) return refusal
  if (error instanceof ResponseBoundError) return error.message
  // By its name: who only reads codes need not load the HTTP client for its class.
  if (error instanceof Error && error.name === 'HTTPParserError') return 'the response is not HTTP'
  return REASONS[code] ?? (code === '' ? 'the connection failed' : code)
}

/**
 * The table error for a request that got no response: ORIGIN_UNREACHABLE, or REQUEST_INVALID if it could not be sent; ORIGIN_FAILED for
 * one with headers that are refused, DENIED where the policy does not let it out.
 */
export function connectionError(url: URL, error: unknown): DamselflyError {
  if (error instanceof OutboundRefusal) return error
  const code = connectionCode(error)
  if (code === 'UND_ERR_INVALID_ARG' && proxyRefusal(error) === undefined) {
    return new DamselflyError('REQUEST_INVALID', 'a request header is not valid HTTP', { cause: error })
  }
  if (error instanceof ResponseBoundError || code === HEADERS_OVERFLOW) {
    const answer = { originStatus: error instanceof ResponseBoundError ? error.status : undefined }
    return new OriginError('ORIGIN_FAILED', `${url.host}: ${connectionReason(error)}`, answer, { cause: error })
  }
  return new DamselflyError('ORIGIN_UNREACHABLE', `${url.host}: ${connectionReason(error)}`, { cause: error })
}

/** The code of the system, of OpenSSL or of the HTTP client for a failed connection; empty where there is none. */
export function connectionCode(error: unknown): string {
  if (!(error instanceof Error)) return ''
  // Several addresses were tried: the last failure stands for all.
  if (error instanceof AggregateError && error.errors.length > 0) return connectionCode(error.errors.at(-1))
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
