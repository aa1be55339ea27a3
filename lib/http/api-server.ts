import { Server as HttpsServer, type ServerOptions } from 'node:https'
import fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { DamselflyError } from '../../protocol/errors.ts'
import type { Startable } from '../lifecycle.ts'
import { listenError } from '../listen-error.ts'
import type { Logger } from '../logger.ts'
import type { CertificateAndKey } from '../tls/certificate.ts'
import { type AccessControl, addAccessControl } from './access/access-control.ts'
import { parseListenAddress } from './listen-address.ts'
import { type ApiDescription, addOpenApi } from './openapi.ts'
import type { HttpProtection } from './protection/http-protection.ts'
import { TooManyRequests } from './protection/request-limits.ts'
import { serializerCompiler, validatorCompiler } from './schema-compilers.ts'

/** The body of a failed API request. Registry routes answer the OCI form instead. */
export interface ApiErrorBody {
  code: string
  message: string
}

export interface ApiServerInit {
  /** `host:port`; port 0 picks a free one. */
  readonly listen: string
  readonly bodyLimitBytes: number
  readonly logger: Logger
  readonly api: ApiDescription
  /** For HTTPS; HTTP without. Clients are asked for a certificate, of any issuer: what it proves is its key. */
  readonly tls?: CertificateAndKey | undefined
  /** Who may use its routes. */
  readonly access: AccessControl
  /** Against clients that send too much or too slowly; none where the server is for tests only. */
  readonly protection?: HttpProtection
  /** The path that is looked for, by the URL that was asked for; the same by default. */
  readonly rewriteUrl?: (url: string) => string
  /** The body of a failed request, by the URL that was asked for; an {@link ApiErrorBody} by default. */
  readonly errorBody?: (error: DamselflyError, url: string) => object
}

/** An HTTP server that is started and stopped with its program. */
export interface HttpServer extends Startable {
  readonly app: FastifyInstance
  /** `http://host:port` or `https://host:port`, valid while started. */
  url(): string
  /** Shows another certificate on connections that are made from now on. */
  replaceCertificate(certificate: CertificateAndKey): void
}

/** How long an idle client connection is kept. Go's clients reuse theirs for up to 30 s, so it must be longer. */
const KEEP_ALIVE_MS = 75_000
const MIN_TLS = 'TLSv1.2'

/**
 * A fastify server whose errors are those of the error table, and which describes itself (`addOpenApi`) and lets nobody have what is
 * not for them (`addAccessControl`). Routes are added to `app` before it starts, and each says who may use it.
 */
export async function createHttpServer(init: ApiServerInit): Promise<HttpServer> {
  const {
    listen,
    bodyLimitBytes,
    logger,
    api,
    tls,
    access,
    protection,
    rewriteUrl = asItIs,
    errorBody = apiErrorBody,
  } = init
  const { host, port } = parseListenAddress(listen)
  const app: FastifyInstance = fastify({
    ...(tls && { https: httpsOptions(tls) }),
    bodyLimit: bodyLimitBytes,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: protection?.serverOptions ?? {},
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
    logger: false,
    rewriteUrl: request => rewriteUrl(request.url ?? '/'),
    // What fastify refuses before it looks for a route, such as broken percent-encoding.
    frameworkErrors: (thrown, request, reply) => fail(toTableError(thrown), request.url, reply),
  })
  function fail(error: DamselflyError, url: string, reply: FastifyReply): FastifyReply {
    if (error instanceof TooManyRequests) reply.header('retry-after', error.retryAfterSeconds)
    return reply.code(error.status).type('application/json').send(errorBody(error, url))
  }
  protection?.watch(app.server)
  app.setErrorHandler((thrown, request, reply) => {
    const error = toTableError(thrown)
    if (error.code === 'INTERNAL') logger.error({ error: thrown, method: request.method }, 'request failed')
    return fail(error, request.url, reply)
  })
  app.setNotFoundHandler((request, reply) => {
    const error = new DamselflyError('ROUTE_UNKNOWN', `${request.method} is not answered at this path`)
    return fail(error, request.url, reply)
  })
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  protection?.beforeAccess(app)
  addAccessControl(app, access, host)
  protection?.afterAccess(app)
  await addOpenApi(app, api)
  return {
    app,
    async start() {
      try {
        await app.listen({ host, port })
      } catch (error) {
        throw listenError(error, listen)
      }
    },
    async stop() {
      await app.close()
    },
    replaceCertificate({ certificate, key }) {
      if (app.server instanceof HttpsServer)
        app.server.setSecureContext({ cert: certificate, key, minVersion: MIN_TLS })
    },
    url() {
      const address = app.server.address()
      if (address === null || typeof address === 'string') throw new Error('the server is not listening')
      const scheme = tls === undefined ? 'http' : 'https'
      return `${scheme}://${address.address.includes(':') ? `[${address.address}]` : address.address}:${address.port}`
    },
  }
}

function httpsOptions({ certificate, key }: CertificateAndKey): ServerOptions {
  return { cert: certificate, key, minVersion: MIN_TLS, requestCert: true, rejectUnauthorized: false }
}

function asItIs(url: string): string {
  return url
}

/** An error as API routes answer it. */
export function apiErrorBody({ code, message }: DamselflyError): ApiErrorBody {
  return { code, message }
}

/** The table error behind whatever a route or fastify itself threw. */
export function toTableError(thrown: unknown): DamselflyError {
  if (thrown instanceof DamselflyError) return thrown
  const { statusCode, message } = thrown as { statusCode?: number; message?: string }
  if (statusCode === 413) return new DamselflyError('BODY_TOO_LARGE')
  if (statusCode !== undefined && statusCode < 500) return new DamselflyError('REQUEST_INVALID', message)
  return new DamselflyError('INTERNAL', undefined, { cause: thrown })
}
