import { formatChallenges } from '../../../protocol/challenge.ts'
import type { Tokens } from '../../../registry-mock/auth/tokens.ts'
import { type FrontAccount, grantsPull, identityOf, mayPull, pullScope } from '../registry-front/account.ts'
import { refuse } from '../registry-front/answers.ts'
import type { FrontExchange } from '../registry-front/front-server.ts'

/** Who may do what at Harbor. */
export interface HarborAccess {
  /**
   * Answers a request that may not go on. Without `Authorization` every request is one, also in public projects; the realm is
   * made from the `Host` header. Whoever shows an `Authorization` that does not do gets a Basic challenge.
   */
  refused(exchange: FrontExchange, repository: string | undefined): boolean
}

/** @param publicProjects everybody may pull from them who shows any token of ours */
export function createHarborAccess({
  tokens,
  accounts,
  publicProjects,
}: {
  readonly tokens: Tokens
  readonly accounts: readonly FrontAccount[]
  readonly publicProjects: readonly string[]
}): HarborAccess {
  const isPublic = (repository: string) => publicProjects.includes(repository.split('/', 1)[0] ?? '')

  function mayGoOn(authorization: string, repository: string | undefined): boolean {
    const [, token] = /^Bearer (\S+)$/i.exec(authorization) ?? []
    if (token !== undefined) {
      const granted = tokens.read(token)
      if (granted === undefined) return false
      return repository === undefined || isPublic(repository) || grantsPull(granted, repository)
    }
    const identity = identityOf(authorization, accounts)
    if (typeof identity === 'string') return false
    return repository === undefined || isPublic(repository) || mayPull(identity, repository)
  }

  return {
    refused({ request, response, baseUrl }, repository) {
      const { authorization } = request.headers
      if (authorization !== undefined && mayGoOn(authorization, repository)) return false
      const what = repository === undefined ? '' : ` to access repository: ${repository}, action: pull`
      const bearer = {
        scheme: 'Bearer',
        params: {
          realm: `${baseUrl}/service/token`,
          service: 'harbor-registry',
          ...(repository === undefined ? {} : { scope: pullScope(repository) }),
        },
      }
      refuse(response, 401, 'UNAUTHORIZED', `unauthorized${what}: unauthorized${what}`, {
        'docker-distribution-api-version': 'registry/2.0',
        'www-authenticate': authorization === undefined ? formatChallenges([bearer]) : 'Basic realm="harbor"',
      })
      return true
    },
  }
}
