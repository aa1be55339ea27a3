import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, request } from 'undici'
import { parseToken } from '../../../protocol/token.ts'
import { createClusterDispatcher } from '../../tls/cluster-dispatcher.ts'
import { withSignal } from '../../with-signal.ts'
import { connectToSocket } from '../socket-path.ts'

/** Where the API of a program is, and what is shown there. */
export interface ApiEndpoint {
  /** `http://host:port`. */
  readonly url: string
  /** `authorization`, where there is a token. Never to be logged. */
  readonly headers: Readonly<Record<string, string>>
  /** Whose connections are used; undici's own by default. */
  readonly dispatcher?: Dispatcher | undefined
}

/** How one request is made. */
export interface ApiRequest {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array | Readable
  readonly signal?: AbortSignal
  /** Milliseconds; 0 for no limit. */
  readonly headersTimeout?: number
  readonly bodyTimeout?: number
}

/** An API that is reached over the network; a URL alone has no token. */
export type ApiAddress = string | ApiEndpoint

/**
 * An API at a URL. One of a cluster is known by the key in the token.
 * @param token `dmsl_…`, sent with each request
 */
export function urlEndpoint(url: string, token?: string): ApiEndpoint {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  if (!url.startsWith('https:')) return { url, headers }
  const clusterKey = token === undefined ? undefined : parseToken(token)?.clusterKey
  return { url, headers, dispatcher: createClusterDispatcher({ clusterKey }) }
}

/** An API at a Unix socket, where the file mode is all the proof that is needed. */
export function socketEndpoint(path: string): ApiEndpoint {
  const dispatcher = new Agent({
    connect(_options, done) {
      connectToSocket(path).then(
        socket => done(null, socket),
        error => done(error, null),
      )
    },
  })
  return { url: 'http://localhost', headers: {}, dispatcher }
}

/** Sends a request to an API. @param path with its query @throws what undici throws; the signal's reason */
export function requestApi(api: ApiAddress, path: string, asked: ApiRequest = {}): Promise<Dispatcher.ResponseData> {
  const { url, headers, dispatcher } = typeof api === 'string' ? { url: api, headers: {}, dispatcher: undefined } : api
  const answer = request(`${url.replace(/\/+$/, '')}${path}`, {
    ...asked,
    headers: { ...asked.headers, ...headers },
    ...(dispatcher === undefined ? {} : { dispatcher }),
  })
  // undici ends a request that still waits for its connection only when that has come or failed.
  return withSignal(answer.then(fearless), asked.signal)
}

/** A body that fails when nobody waits for it any more must not bring the process down. */
function fearless(response: Dispatcher.ResponseData): Dispatcher.ResponseData {
  response.body.on('error', () => {})
  return response
}
