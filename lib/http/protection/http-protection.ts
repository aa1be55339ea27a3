import type { FastifyInstance } from 'fastify'
import type { Clock } from '../../clock.ts'
import type { Logger } from '../../logger.ts'
import type { MetricsOf } from '../../metrics.ts'
import type { ConnectionLimitsConfig, RequestLimitsConfig } from './config.ts'
import { type ConnectionGuard, createConnectionGuard } from './connection-guard.ts'
import type { PROTECTION_METRICS } from './metrics.ts'
import { addAttemptLimits, addRequestLimits, createRequestLimits } from './request-limits.ts'

/** The settings of {@link PROTECTION_SETTINGS}. */
export interface HttpProtectionInit {
  readonly requests: RequestLimitsConfig
  readonly connections: ConnectionLimitsConfig
}

export interface HttpProtectionComponents {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: MetricsOf<typeof PROTECTION_METRICS>
}

/** What stands between an API of a program and clients that send too much, or too slowly. */
export interface HttpProtection extends ConnectionGuard {
  /** Adds the hooks that come before the one that finds out who is calling. */
  beforeAccess(app: FastifyInstance): void
  /** Adds the hook that comes after it. */
  afterAccess(app: FastifyInstance): void
  /** Brings the gauges up to date. */
  count(): void
}

/** Puts the protection together. One for all servers of a program. */
export function createHttpProtection(
  { clock, logger, metrics }: HttpProtectionComponents,
  { requests, connections }: HttpProtectionInit,
): HttpProtection {
  const limits = createRequestLimits({ clock, refused: limit => metrics.refusedRequests.inc({ limit }) }, requests)
  const guard = createConnectionGuard(
    { clock, logger, ended: reason => metrics.endedConnections.inc({ reason }) },
    connections,
  )
  return {
    ...guard,
    beforeAccess: app => addAttemptLimits(app, limits),
    afterAccess: app => addRequestLimits(app, limits),
    count() {
      for (const [state, count] of Object.entries(guard.counts())) metrics.openConnections.set({ state }, count)
    },
  }
}
