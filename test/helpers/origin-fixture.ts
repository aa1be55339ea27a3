import { silentLogger } from '../../lib/logger.ts'
import {
  createUpstreamFetcher,
  type UpstreamFetcherComponents,
  type UpstreamFetcherInit,
} from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'
import { trialPolicy } from './outbound.ts'

/** Origins and servers of one test, ended together. */
export interface OriginFixture {
  server(handler: TestHandler): Promise<TestHttpServer>
  /** An origin on trial, unless a policy is given. */
  origin(init?: Partial<UpstreamFetcherInit>, components?: Partial<UpstreamFetcherComponents>): Origin
  /** Ends everything that was made so far. */
  close(): Promise<void>
}

/** Makes HTTP origins and the servers that they read from. */
export function createOriginFixture(): OriginFixture {
  let endings: (() => Promise<void>)[] = []
  return {
    async server(handler) {
      const server = await startHttpServer(handler)
      endings.push(server.close)
      return server
    },
    origin(init = {}, components = {}) {
      const given = { logger: silentLogger(), ...components }
      const fetcher = createUpstreamFetcher(given, { outbound: trialPolicy(), ...init })
      endings.push(fetcher.stop)
      return createHttpOrigin({ fetcher })
    },
    async close() {
      const ending = endings.reverse()
      endings = []
      for (const end of ending) await end()
    },
  }
}
