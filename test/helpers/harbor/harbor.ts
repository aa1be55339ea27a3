import { systemClock } from '../../../lib/clock.ts'
import { parseRegistryPath } from '../../../protocol/registry-path.ts'
import { createSigner } from '../../../registry-mock/auth/signer.ts'
import { createTokens } from '../../../registry-mock/auth/tokens.ts'
import type { FrontAccount } from '../registry-front/account.ts'
import { answerFromBackend, refuse } from '../registry-front/answers.ts'
import type { FrontExchange, FrontHandler } from '../registry-front/front-server.ts'
import { answerTokenRequest } from '../registry-front/token-service.ts'
import { createHarborAccess } from './harbor-access.ts'
import { createProxyCache } from './proxy-cache.ts'
import { createSignedStorage } from './signed-storage.ts'

/** How a Harbor is set up. */
export interface HarborInit {
  /** Registry behind, without accounts. */
  readonly registryUrl: string
  /** Port of the object storage, which answers under the host by which clients know Harbor. */
  readonly storagePort: () => number
  readonly accounts: readonly FrontAccount[]
  /** Projects that everybody may pull from; not without asking for a token. */
  readonly publicProjects?: readonly string[]
  /** Projects that are a cache of another registry. */
  readonly proxyProjects?: readonly string[]
  readonly tokenLifetimeSeconds?: number
  readonly signatureLifetimeSeconds?: number
}

/** A registry that behaves as Harbor does on its pull path, and the object storage that it redirects to. */
export interface Harbor {
  readonly handle: FrontHandler
  readonly handleStorage: FrontHandler
}

const TOKEN_LIFETIME_S = 1800
const SIGNATURE_LIFETIME_S = 5

/**
 * Harbor's pull path (contracts §4.6): its challenges, its token service, redirects of blobs to signed URLs, and proxy-cache
 * projects.
 */
export function createHarbor(init: HarborInit): Harbor {
  const { registryUrl, accounts, publicProjects = [], proxyProjects = [] } = init
  const lifetimeSeconds = init.tokenLifetimeSeconds ?? TOKEN_LIFETIME_S
  const clock = systemClock
  const signer = createSigner()
  const tokens = createTokens({ signer, clock }, { lifetimeSeconds })
  const access = createHarborAccess({ tokens, accounts, publicProjects })
  const proxyCache = createProxyCache(proxyProjects)
  const storage = createSignedStorage(
    { signer, clock },
    { registryUrl, lifetimeSeconds: init.signatureLifetimeSeconds ?? SIGNATURE_LIFETIME_S },
  )

  async function handle(exchange: FrontExchange): Promise<void> {
    const { request, response, url } = exchange
    if (url.pathname === '/service/token') {
      const service = { methods: ['GET'], names: ['token', 'access_token'], expiresInSeconds: lifetimeSeconds } as const
      return answerTokenRequest(exchange, { ...service, issue: tokens.issue, accounts })
    }
    const path = parseRegistryPath(url.pathname)
    if (access.refused(exchange, 'name' in path ? path.name : undefined)) return
    if (path.kind === 'base' || !('name' in path)) return answerFromBackend(exchange, { registryUrl })
    const longName = proxyCache.longNameOf(path.name)
    if (longName !== undefined) {
      const location = url.pathname.replace(`/v2/${path.name}/`, `/v2/${longName}/`)
      return void response.writeHead(301, { location }).end()
    }
    if (path.kind !== 'blob') return answerFromBackend(exchange, { registryUrl })
    if (proxyCache.isCold(path.name, path.digest)) {
      if (request.method === 'HEAD') return refuse(response, 404, 'NOT_FOUND', `blob ${path.digest} not found`)
      await answerFromBackend(exchange, { registryUrl, ignoreRange: true })
      // Harbor copies it in the background, which takes a while: whoever hangs up and comes back finds it as cold as before.
      if (response.writableEnded) proxyCache.fill(path.name, path.digest)
      return
    }
    const { protocol, hostname } = url
    const location = `${protocol}//${hostname}:${init.storagePort()}${storage.pathOf(path, request.method ?? '')}`
    response.writeHead(307, { location }).end()
  }

  return { handle, handleStorage: storage.handle }
}
