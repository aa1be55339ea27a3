import { createServer as createPlainServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { SeenRequest } from './seen-request.ts'

/** A certificate and its key, PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

export interface FrontServerInit {
  /** `host:port`, port 0 picks a free one. */
  readonly listen: string
  /** Certificates by host name, which make it an https server. */
  readonly certificates?: Readonly<Record<string, Certificate>> | undefined
}

/** A server that stands in front of a registry. */
export interface FrontServer {
  /** `http://host:port` or `https://host:port`, by its address. */
  readonly url: string
  stop(): Promise<void>
}

/** One request, with what is noted of it. */
export interface FrontExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** As the client named it. */
  readonly baseUrl: string
  readonly url: URL
  readonly seen: SeenRequest
}

/** Answers requests. What it throws is answered with a 599, which no registry sends. */
export type FrontHandler = (exchange: FrontExchange) => Promise<void> | void

/** Go clients reuse idle connections for up to 30 s. */
const KEEP_ALIVE_MS = 75_000

/**
 * Starts a server.
 * @param note gets each request when its answer has ended
 */
export async function startFrontServer(
  name: string,
  { listen, certificates }: FrontServerInit,
  handle: FrontHandler,
  note: (seen: SeenRequest) => void,
): Promise<FrontServer> {
  const scheme = certificates === undefined ? 'http' : 'https'
  const sockets = new Set<Socket>()

  async function onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = seenOf(name, request)
    response.on('error', () => {})
    response.once('close', () => {
      note({ ...seen, status: response.statusCode, cut: !response.writableFinished })
    })
    const baseUrl = `${scheme}://${seen.host}`
    try {
      await handle({ request, response, baseUrl, url: new URL(request.url ?? '/', baseUrl), seen })
    } catch (error) {
      if (response.headersSent) response.destroy()
      else response.writeHead(599).end(String(error))
    }
  }

  const server =
    certificates === undefined
      ? createPlainServer((request, response) => void onRequest(request, response))
      : createTlsServer({ SNICallback: sniCallback(certificates) }, (request, response) => {
          void onRequest(request, response)
        })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
  })
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(listen) ?? []
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(Number(port), host, resolve)
  })
  return {
    url: `${scheme}://${host}:${(server.address() as AddressInfo).port}`,
    stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      return closed
    },
  }
}

function sniCallback(certificates: Readonly<Record<string, Certificate>>) {
  const contexts = new Map(
    Object.entries(certificates).map(([host, { certificate, key }]) => [
      host,
      createSecureContext({ cert: certificate, key }),
    ]),
  )
  return (host: string, answer: (error: Error | null, context?: SecureContext) => void): void => {
    const context = contexts.get(host)
    if (context === undefined) answer(new Error(`no certificate for ${host}`))
    else answer(null, context)
  }
}

function seenOf(server: string, { method, url, headers, socket }: IncomingMessage): SeenRequest {
  return {
    server,
    method: method ?? '',
    host: headers.host ?? '',
    path: url ?? '',
    authorization: headers.authorization,
    range: headers.range,
    client: socket.remoteAddress ?? '',
    status: 0,
    sentBytes: 0,
    cut: false,
  }
}
