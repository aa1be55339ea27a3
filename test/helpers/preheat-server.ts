import { createTokenSource } from '../../lib/http/access/token-source.ts'
import { trialSource } from '../../lib/http/access/trial-source.ts'
import { createHttpServer, type HttpServer } from '../../lib/http/api-server.ts'
import { addHealthRoutes } from '../../lib/http/health-routes.ts'
import type { TokenRole, TokenView } from '../../protocol/messages/token-api.ts'
import { SUPERNODE_API } from '../../supernode/api/description.ts'
import { addPreheatRoutes } from '../../supernode/api/preheats.ts'
import { PUBLIC_ROUTES } from '../../supernode/api/public-routes.ts'
import { withoutV1Prefix } from '../../supernode/api/v1-prefix.ts'
import { addForeignPreheatRoutes } from '../../supernode/preheat-apis/foreign-preheat-routes.ts'
import { createFakePreheats, type FakePreheats } from './fake-preheats.ts'
import { captureLog, type LogCapture } from './log-capture.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'

/** An API server like a supernode's, with nothing but what starts and shows preheat jobs, and jobs that go on when a test says so. */
export interface PreheatServer {
  readonly http: HttpServer
  readonly preheats: FakePreheats
  readonly clock: ManualClock
  readonly log: LogCapture
}

/** The token of each role is `dmsl_` and its name; on trial nobody needs any. */
export async function createPreheatServer({ trial = false } = {}): Promise<PreheatServer> {
  const clock = createManualClock(Date.UTC(2026, 10, 20, 23, 56, 31))
  const preheats = createFakePreheats(() => clock.wallTime())
  const log = captureLog()
  const http = await createHttpServer({
    listen: '127.0.0.1:0',
    bodyLimitBytes: 100,
    logger: log.logger,
    api: SUPERNODE_API,
    access: {
      sources: trial ? [trialSource] : [createTokenSource({ find: findToken })],
      publicRoutes: PUBLIC_ROUTES,
      tokenCommand: 'supernode token create',
    },
    rewriteUrl: withoutV1Prefix,
  })
  addHealthRoutes(http.app, 'supernode', { contentType: 'text/plain', text: async () => '' })
  addPreheatRoutes(http.app, { preheats, clock, logger: log.logger })
  addForeignPreheatRoutes(http.app, { preheats })
  return { http, preheats, clock, log }
}

function findToken(text: string): TokenView | undefined {
  const [, role] = /^dmsl_(viewer|operator)$/.exec(text) ?? []
  if (role === undefined) return undefined
  return { id: role, role: role as TokenRole, comment: '', createdAt: 0, expiresAt: null, usesLeft: null }
}
