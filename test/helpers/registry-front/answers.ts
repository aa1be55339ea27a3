import type { ServerResponse } from 'node:http'
import { request as send } from 'undici'
import type { BandwidthLimit } from '../../../registry-mock/bandwidth.ts'
import type { FrontExchange } from './front-server.ts'

const NOT_PASSED = new Set(['authorization', 'connection', 'host', 'keep-alive', 'transfer-encoding'])

/** How an answer of the registry behind differs from what it says. */
export interface BackendOptions {
  readonly registryUrl: string
  /** Another path than the client's. */
  readonly path?: string
  /** Whether `Range` is not passed on, so that all of a blob comes with status 200. */
  readonly ignoreRange?: boolean
  readonly bandwidth?: BandwidthLimit | undefined
  /** Cuts the answer when it aborts. */
  readonly until?: AbortSignal | undefined
}

/** Answers with what the registry behind says, which knows of no accounts. */
export async function answerFromBackend(
  { request, response, url, seen }: FrontExchange,
  { registryUrl, path = `${url.pathname}${url.search}`, ignoreRange = false, bandwidth, until }: BackendOptions,
): Promise<void> {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(
      ([name, value]) => value !== undefined && !NOT_PASSED.has(name) && !(ignoreRange && name === 'range'),
    ),
  ) as Record<string, string | string[]>
  const method = request.method === 'HEAD' ? 'HEAD' : 'GET'
  const answer = await send(`${registryUrl}${path}`, { method, headers })
  const kept = Object.entries(answer.headers).filter(
    ([name, value]) => value !== undefined && !NOT_PASSED.has(name.toLowerCase()),
  ) as [string, string | string[]][]
  response.writeHead(answer.statusCode, Object.fromEntries(kept))
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  until?.addEventListener('abort', () => response.destroy(), { once: true })
  try {
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      for (const piece of piecesOf(chunk, bandwidth?.pieceBytes ?? chunk.length)) {
        if (bandwidth !== undefined && !(await bandwidth.take(piece.length, gone.signal))) return
        if (response.destroyed) return
        seen.sentBytes += piece.length
        if (!response.write(piece)) await drained(response)
      }
    }
    response.end()
  } finally {
    answer.body.destroy()
  }
}

/** Refuses in the form of registries. */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  const body = JSON.stringify({ errors: [{ code, message }] })
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
}

/** Sends an object as JSON. */
export function answerJson(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function* piecesOf(chunk: Uint8Array, pieceBytes: number): Generator<Uint8Array> {
  for (let at = 0; at < chunk.length; at += pieceBytes) yield chunk.subarray(at, at + pieceBytes)
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    const go = () => {
      response.off('drain', go)
      response.off('close', go)
      resolve()
    }
    response.on('drain', go)
    response.on('close', go)
  })
}
