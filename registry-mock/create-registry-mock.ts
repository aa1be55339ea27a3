import type { IncomingMessage } from 'node:http'
import { type Clock, systemClock } from '../lib/clock.ts'
import { createLifecycle, type Startable } from '../lib/lifecycle.ts'
import { createRateLimit } from '../lib/limits/rate-limit.ts'
import { type Logger, silentLogger } from '../lib/logger.ts'
import { createAnswerSender } from './answer-sender.ts'
import { createAuthorizer } from './auth/authorizer.ts'
import { createSigner } from './auth/signer.ts'
import { createTokenRoute } from './auth/token-route.ts'
import { createTokens } from './auth/tokens.ts'
import { completeConfig, type RegistryMockSettings } from './config.ts'
import { DiskContentStore } from './disk-content-store.ts'
import { answerByFault } from './fault-answer.ts'
import { createFaults, type Faults } from './faults.ts'
import { createHttpServer } from './http-server.ts'
import { type GeneratedImage, type GeneratedImageInit, generateImage } from './image/generated-image.ts'
import { MemoryContentStore } from './memory-content-store.ts'
import type { RegistryRequest } from './registry-request.ts'
import { Repositories } from './repositories.ts'
import { createRequestLog, type RequestEntry, requestEntry } from './request-log.ts'
import { createControlRoute } from './routes/control.ts'
import { createRegistryRoute } from './routes/registry.ts'
import { createStorageRoute, signStoragePath } from './routes/storage.ts'
import { createStats, type Stats } from './stats.ts'
import { Uploads } from './uploads.ts'

/**
 * A registry for tests and trials. Stopped and started again it has the same address and content, except for blobs that
 * were pushed into `dataDir`.
 */
export interface RegistryMock extends Startable {
  /** `http://host:port`; only while it runs. */
  readonly url: string
  /** `host:port`, as it stands in an image reference; only while it runs. */
  readonly host: string
  readonly stats: Stats
  readonly faults: Faults
  /** The newest requests, oldest first, those for the redirect's storage among them, control requests not. */
  readonly requests: readonly RequestEntry[]
  clearRequests(): void
  /** Puts a generated image into the registry. Fields that are left out come from `settings.image`. */
  generateImage(init?: Partial<GeneratedImageInit>): Promise<GeneratedImage>
}

/** Puts a registry together. @throws DamselflyError CONFIG_INVALID */
export function createRegistryMock(
  settings: RegistryMockSettings = {},
  { clock = systemClock, logger = silentLogger() }: { clock?: Clock; logger?: Logger } = {},
): RegistryMock {
  const config = completeConfig(settings)
  const stats = createStats()
  const faults = createFaults()
  const log = createRequestLog()
  const limit = createRateLimit({ clock }, config.bandwidthBytesPerSecond)
  const content = config.dataDir === undefined ? new MemoryContentStore() : new DiskContentStore(config.dataDir)
  const repositories = new Repositories()
  const uploads = new Uploads(content)
  const signer = createSigner()
  const tokens = createTokens({ signer, clock }, { lifetimeSeconds: config.auth.tokenLifetimeSeconds })
  const authorizer = createAuthorizer({ tokens }, config.auth)
  const send = createAnswerSender({ faults, limit, clock, logger })

  const storage = createHttpServer(
    { send, begin },
    {
      listen: config.redirect.listen,
      routes: [{ paths: ['/storage/*'], answer: createStorageRoute({ content, faults, stats, signer, clock }) }],
    },
  )
  const redirectTo = (path: Parameters<typeof signStoragePath>[1]) =>
    storage.url() + signStoragePath(signer, path, clock.wallTime() + config.redirect.lifetimeSeconds * 1000)
  const registryRoute = createRegistryRoute({
    ...{ authorizer, repositories, content, uploads, faults, stats, clock },
    redirectTo: config.redirect.enabled ? redirectTo : undefined,
  })
  const tokenRoute = createTokenRoute({ tokens, clock }, config.auth)
  const server = createHttpServer(
    { send, begin },
    {
      listen: config.listen,
      routes: [
        {
          paths: ['/v2', '/v2/*'],
          headers: { 'docker-distribution-api-version': 'registry/2.0' },
          answer: registryRoute,
        },
        { paths: ['/token'], answer: answerToken },
        { paths: ['/_stats', '/_faults'], answer: createControlRoute({ faults, stats }) },
      ],
    },
  )
  const { start, stop } = createLifecycle([
    content,
    { start: async () => {}, stop: () => uploads.stop() },
    ...(config.redirect.enabled ? [storage] : []),
    server,
  ])

  function begin(message: IncomingMessage): RequestEntry {
    const entry = requestEntry(message, clock.wallTime())
    if (message.url?.startsWith('/_')) return entry
    log.add(entry)
    stats.countRequest()
    return entry
  }

  async function answerToken(request: RegistryRequest) {
    stats.countToken()
    const subject = { kind: 'token', method: request.method } as const
    const answer = await answerByFault({ faults, clock }, subject, request.signal)
    return answer ?? { subject, ...(await tokenRoute(request)) }
  }

  return {
    start,
    stop,
    stats,
    faults,
    get url() {
      return server.url()
    },
    get host() {
      return new URL(server.url()).host
    },
    get requests() {
      return log.entries()
    },
    clearRequests: log.clear,
    generateImage(init = {}) {
      const { repository = 'library/demo', tag, layers, size, seed } = config.image
      return generateImage({ repositories, content }, { repository, tag, layers, sizeBytes: size, seed, ...init })
    },
  }
}
