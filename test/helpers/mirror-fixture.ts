import { onTestFinished } from 'vitest'
import { systemClock } from '../../lib/clock.ts'
import { silentLogger } from '../../lib/logger.ts'
import { AccessCheck, type OutagePolicy } from '../../lib/origin/access.ts'
import { createUpstreamFetcher, type UpstreamFetcher } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { createMirroredFetcher } from '../../lib/origin/upstreams/mirrored-fetcher.ts'
import { createMirroredOrigin } from '../../lib/origin/upstreams/mirrored-origin.ts'
import { createMirrors } from '../../lib/origin/upstreams/mirrors.ts'
import type { MirrorConfig } from '../../lib/origin/upstreams/upstream-config.ts'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'
import type { ManualClock } from './manual-clock.ts'
import { trialPolicy } from './outbound.ts'

/** Name in image references of the registry that has the mirrors. */
export const MIRRORED_REGISTRY = 'registry.example'

/** A registry with mirrors, as a dfdaemon or supernode reads it. */
export interface MirroredReader {
  readonly origin: Origin
  readonly fetcher: UpstreamFetcher
}

/** An HTTP server that ends with the running test. @param address of the loopback that it listens on */
export async function startTestServer(handler: TestHandler, address?: string): Promise<TestHttpServer> {
  const server = await startHttpServer(handler, address)
  onTestFinished(() => server.close())
  return server
}

/** Puts together what reads a registry and its mirrors, for the running test. A yes of the registry never counts twice. */
export async function readMirrored(
  registry: { readonly url: string },
  mirrors: readonly (MirrorConfig | { readonly url: string })[],
  { clock = systemClock, outage = 'deny' }: { clock?: ManualClock | typeof systemClock; outage?: OutagePolicy } = {},
): Promise<MirroredReader> {
  const logger = silentLogger()
  const fetcher = createUpstreamFetcher({ logger, clock }, { outbound: trialPolicy() })
  const reader = createHttpOrigin({ fetcher })
  const access = new AccessCheck({ origin: reader, clock }, { lifetimeMs: 0, outage, recentMs: 60_000 })
  const components = { logger, clock, credentials: { forRegistry: async () => undefined } }
  const made = createMirrors(components, { [MIRRORED_REGISTRY]: { url: registry.url, mirrors: [...mirrors] } })
  await made.start()
  onTestFinished(async () => {
    await made.stop()
    await fetcher.stop()
  })
  return {
    origin: createMirroredOrigin({ origin: reader, reader, access, mirrors: made }),
    fetcher: createMirroredFetcher({ fetcher, access, mirrors: made }),
  }
}

/** An address at which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = await startHttpServer(() => {})
  await server.close()
  return server.url
}
