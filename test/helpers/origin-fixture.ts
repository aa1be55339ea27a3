import { silentLogger } from '../../lib/logger.ts'
import type { UpstreamFetcherInit } from '../../lib/origin/http-fetch.ts'
import { createHttpOrigin } from '../../lib/origin/http-origin.ts'
import type { Origin } from '../../lib/origin/origin.ts'
import { startHttpServer, type TestHandler, type TestHttpServer } from './http-server.ts'

/** Origins and servers of one test, ended together. */
export interface OriginFixture {
  server(handler: TestHandler): Promise<TestHttpServer>
  origin(init?: UpstreamFetcherInit): Origin
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
    origin(init) {
      const origin = createHttpOrigin({ logger: silentLogger() }, init)
      endings.push(origin.stop)
      return origin
    },
    async close() {
      const ending = endings.reverse()
      endings = []
      for (const end of ending) await end()
    },
  }
}
