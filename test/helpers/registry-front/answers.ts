import type { ServerResponse } from 'node:http'
import { request as send } from 'undici'
import type { ByteGate } from '../../../lib/limits/byte-gate.ts'
import type { FrontExchange } from './front-server.ts'

const NOT_PASSED = new Set(['authorization', 'connection', 'host', 'keep-alive', 'transfer-encoding'])

/** How an answer of the registry behind differs from what it says. */
export interface BackendOptions {
  readonly registryUrl: string
  /** Another path than the client's. */
  readonly path?: string
  /** Whether `Range` is not passed on, so that all of a blob comes with status 200. */
  readonly ignoreRange?: boolean
  readonly bandwidth?: ByteGate | undefined
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
      for (let rest = chunk; rest.length > 0; ) {
        const granted = (await bandwidth?.take(rest.length, gone.signal)) ?? rest.length
        if (granted === 0 || response.destroyed) return
        seen.sentBytes += granted
        if (!response.write(rest.subarray(0, granted))) await drained(response)
        rest = rest.subarray(granted)
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
