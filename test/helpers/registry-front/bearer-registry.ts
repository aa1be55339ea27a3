import { systemClock } from '../../../lib/clock.ts'
import { createRateLimit } from '../../../lib/limits/rate-limit.ts'
import { formatChallenges } from '../../../protocol/challenge.ts'
import { parseRegistryPath } from '../../../protocol/registry-path.ts'
import type { RepositoryAccess } from '../../../registry-mock/auth/scope.ts'
import { createSigner } from '../../../registry-mock/auth/signer.ts'
import { createTokens } from '../../../registry-mock/auth/tokens.ts'
import { type FrontAccount, grantsPull, pullScope } from './account.ts'
import { answerFromBackend, refuse } from './answers.ts'
import type { FrontHandler } from './front-server.ts'
import { answerTokenRequest, type TokenServiceInit } from './token-service.ts'

/** How a registry that wants tokens behaves. */
export interface BearerRegistryInit {
  /** Registry behind, without accounts. */
  readonly registryUrl: string
  readonly accounts: readonly FrontAccount[]
  /** How long a token is really good. */
  readonly tokenLifetimeSeconds: number
  readonly tokens: TokenServiceInit
  /** Where clients are sent for tokens, as a path of the host that they asked or as a URL. */
  readonly realm: string
  /** Whether an answer breaks off when the token that it was asked with expires. */
  readonly cutAtExpiry?: boolean
  readonly bytesPerSecond?: number | undefined
}

/**
 * A registry whose every request under `/v2/` needs a bearer token for its very repository (contracts §1, matrix row 4). Its
 * token service answers at the path of the realm.
 */
export function createBearerRegistry(init: BearerRegistryInit): FrontHandler {
  const { registryUrl, accounts } = init
  const clock = systemClock
  const lifetimeMs = init.tokenLifetimeSeconds * 1000
  const tokens = createTokens({ signer: createSigner(), clock }, { lifetimeSeconds: init.tokenLifetimeSeconds })
  const bandwidth = createRateLimit({ clock }, init.bytesPerSecond)
  const issuedAt = new Map<string, number>()

  function issue(access: readonly RepositoryAccess[]): string {
    const token = tokens.issue(access)
    issuedAt.set(token, clock.now())
    return token
  }

  function expiryOf(token: string): AbortSignal {
    return AbortSignal.timeout(Math.ceil((issuedAt.get(token) ?? 0) + lifetimeMs - clock.now()))
  }

  function challenge(baseUrl: string, repository: string | undefined, error: string | undefined): string {
    const params = {
      realm: new URL(init.realm, baseUrl).href,
      service: 'bearer-registry',
      ...(repository === undefined ? {} : { scope: pullScope(repository) }),
      ...(error === undefined ? {} : { error }),
    }
    return formatChallenges([{ scheme: 'Bearer', params }])
  }

  return async exchange => {
    const { request, response, url, baseUrl } = exchange
    if (url.pathname === new URL(init.realm, baseUrl).pathname) {
      return answerTokenRequest(exchange, { issue, accounts, ...init.tokens })
    }
    const path = parseRegistryPath(url.pathname)
    const repository = 'name' in path ? path.name : undefined
    const [, token] = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '') ?? []
    const granted = token === undefined ? undefined : tokens.read(token)
    if (token !== undefined && granted !== undefined && (repository === undefined || grantsPull(granted, repository))) {
      if (path.kind !== 'blob') return answerFromBackend(exchange, { registryUrl })
      const until = init.cutAtExpiry === true ? expiryOf(token) : undefined
      return answerFromBackend(exchange, { registryUrl, until, bandwidth })
    }
    const error = token === undefined ? undefined : granted === undefined ? 'invalid_token' : 'insufficient_scope'
    refuse(response, 401, 'UNAUTHORIZED', 'authentication required', {
      'www-authenticate': challenge(baseUrl, repository, error),
    })
  }
}
