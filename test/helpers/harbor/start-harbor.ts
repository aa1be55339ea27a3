import {
  type FrontHandler,
  type FrontServer,
  type FrontServerInit,
  startFrontServer,
} from '../registry-front/front-server.ts'
import type { SeenRequest } from '../registry-front/seen-request.ts'
import { createHarbor, type HarborInit } from './harbor.ts'

/** Where a Harbor listens, and how it is set up. */
export interface StartHarborInit extends FrontServerInit, Omit<HarborInit, 'storagePort'> {
  /** `host:port` of the object storage, port 0 picks a free one. The host is that of `listen`. */
  readonly storageListen: string
  /** Who else answers for a project, so that a test has registries of several kinds behind one host; the project may be empty. */
  readonly elsewhere?: (project: string) => FrontHandler | undefined
}

/**
 * Starts a Harbor and its object storage, both with the same certificates: nobody follows a redirect from https to http.
 * @param note gets each request, of `registry` and of `storage`, when its answer has ended
 */
export async function startHarbor(init: StartHarborInit, note: (seen: SeenRequest) => void): Promise<FrontServer> {
  const { listen, storageListen, certificates, elsewhere } = init
  const harbor = createHarbor({ ...init, storagePort: () => Number(new URL(storage.url).port) })
  const storagePlace = { listen: storageListen, certificates }
  const storage = await startFrontServer('storage', storagePlace, harbor.handleStorage, note)
  const handle: FrontHandler = exchange => {
    const [, project = ''] = /^\/(?:v2|token)\/([^/]+)/.exec(exchange.url.pathname) ?? []
    return (elsewhere?.(project) ?? harbor.handle)(exchange)
  }
  const server = await startFrontServer('registry', { listen, certificates }, handle, note)
  return {
    url: server.url,
    async stop() {
      await Promise.all([server.stop(), storage.stop()])
    },
  }
}
