import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Authority } from './authority.ts'
import { isAbsoluteForm, parsePlainTarget } from './proxied-request.ts'

/** Answers a request that names its server. */
export type AnswerPlain = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Puts a proxy in front of a server's own request listeners: requests in absolute form that mean another server go to it.
 * @returns gives the server its listeners back
 */
export function interceptAbsoluteForm(server: Server, answer: AnswerPlain): () => void {
  const own = server.listeners('request') as RequestListener[]
  const inFront: RequestListener = (request, response) => {
    if (isForUs(request)) for (const listener of own) listener.call(server, request, response)
    else answer(request, response)
  }
  server.removeAllListeners('request')
  server.on('request', inFront)
  return () => {
    server.off('request', inFront)
    for (const listener of own) server.on('request', listener)
  }
}

/** Origin form, or an absolute form that names the very address it was sent to. */
function isForUs(request: IncomingMessage): boolean {
  if (!isAbsoluteForm(request.url ?? '')) return true
  try {
    const { authority } = parsePlainTarget(request.url ?? '')
    return isOwnAddress(authority, request)
  } catch {
    return false
  }
}

function isOwnAddress({ host, port }: Authority, { socket }: IncomingMessage): boolean {
  return port === socket.localPort && (host === socket.localAddress || host === 'localhost')
}
