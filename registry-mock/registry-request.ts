import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { DamselflyError } from '../protocol/errors.ts'

/** One request, apart from the transport. */
export interface RegistryRequest {
  readonly method: string
  /** Decoded, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
  /** `http://` and what the client wrote in `Host`. */
  readonly baseUrl: string
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
}

/** @throws DamselflyError REQUEST_INVALID when the path is badly encoded */
export function readRegistryRequest(message: IncomingMessage, signal: AbortSignal): RegistryRequest {
  const { method = 'GET', url = '/', headers } = message
  const [path = '/', ...query] = url.split('?')
  return {
    method,
    path: decodePath(path),
    query: new URLSearchParams(query.join('?')),
    headers,
    body: message,
    baseUrl: `http://${headers.host ?? 'localhost'}`,
    signal,
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch (cause) {
    throw new DamselflyError('REQUEST_INVALID', 'the path is badly encoded', { cause })
  }
}
