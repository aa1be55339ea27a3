import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import type { Startable } from '../lib/lifecycle.ts'
import { DamselflyError } from '../protocol/errors.ts'
import { type Answer, errorAnswer } from './answer.ts'
import type { AnswerSender } from './answer-sender.ts'
import { type RegistryRequest, readRegistryRequest } from './registry-request.ts'
import type { RequestEntry } from './request-log.ts'

/** Go clients reuse idle connections for up to 30 s; a server that closes them earlier makes them fail now and then. */
const KEEP_ALIVE_TIMEOUT_MS = 75_000

const NO_ROUTE = errorAnswer(new DamselflyError('ROUTE_UNKNOWN'))
const BAD_PATH = errorAnswer(new DamselflyError('REQUEST_INVALID', 'the path is badly encoded'))

/** Answers the requests of a set of paths. */
export interface ServerRoute {
  /** Fastify patterns. */
  readonly paths: readonly string[]
  /** Headers of every answer, also of errors. */
  readonly headers?: Readonly<Record<string, string>>
  answer(request: RegistryRequest): Promise<Answer>
}

/** What a server works with. */
export interface HttpServerComponents {
  readonly send: AnswerSender
  /** Called once for each request, before its body is read. */
  begin(message: IncomingMessage): RequestEntry
}

/** A listening server. */
export interface HttpServer extends Startable {
  /** `http://host:port`; only while it runs. */
  url(): string
}

/**
 * An HTTP server on `host:port` whose routes return answers. Stopping ends all connections at once. A port that was
 * picked at the first start is kept for later ones.
 */
export function createHttpServer(
  { send, begin }: HttpServerComponents,
  { listen, routes }: { listen: string; routes: readonly ServerRoute[] },
): HttpServer {
  let app: ReturnType<typeof createApp> | undefined
  let url: string | undefined
  let keptPort = 0

  function createApp() {
    const fresh = Fastify({
      forceCloseConnections: true,
      exposeHeadRoutes: false,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      http: { headersTimeout: KEEP_ALIVE_TIMEOUT_MS + 5_000, requestTimeout: 0, noDelay: true },
      frameworkErrors: (_, request, reply) => refuse(request.raw, reply.hijack().raw, BAD_PATH),
    })
    // Bodies are left to the routes: blobs are streamed, manifests have their own limit.
    fresh.removeAllContentTypeParsers()
    fresh.addContentTypeParser('*', (_request, _body, done) => done(null))
    for (const route of routes) {
      for (const path of route.paths) fresh.all(path, (request, reply) => handle(request, reply, route))
    }
    fresh.setNotFoundHandler((request, reply) => refuse(request.raw, reply.hijack().raw, NO_ROUTE))
    return fresh
  }

  function handle(request: FastifyRequest, reply: FastifyReply, route: ServerRoute): Promise<void> {
    const { raw: message } = request
    const { raw: response } = reply.hijack()
    response.setHeaders(new Headers(route.headers))
    return send(message, response, begin(message), async signal => route.answer(readRegistryRequest(message, signal)))
  }

  function refuse(message: IncomingMessage, response: ServerResponse, answer: Answer): Promise<void> {
    return send(message, response, begin(message), async () => answer)
  }

  return {
    url() {
      if (url === undefined) throw new DamselflyError('INTERNAL', 'the server is not running')
      return url
    },
    async start() {
      if (app !== undefined) return
      const { hostname, port } = parseListen(listen)
      app = createApp()
      url = await app.listen({ host: hostname.replace(/^\[|\]$/g, ''), port: port || keptPort })
      keptPort = Number(new URL(url).port)
    },
    async stop() {
      const running = app
      app = undefined
      url = undefined
      await running?.close()
    },
  }
}

function parseListen(listen: string): { hostname: string; port: number } {
  const [, hostname, port] = /^(\[[0-9a-f:.]+\]|[^:]+):(\d{1,5})$/i.exec(listen) ?? []
  if (hostname === undefined || Number(port) > 65_535) {
    throw new DamselflyError('CONFIG_INVALID', `expected host:port, not "${listen}"`)
  }
  return { hostname, port: Number(port) }
}
