import { formatChallenges } from '../../protocol/challenge.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type Answer, errorAnswer } from '../answer.ts'
import type { RegistryMockConfig } from '../config.ts'
import { type Account, isAccount, parseBasic } from './credentials.ts'
import { formatScope, grants, type RepositoryAccess } from './scope.ts'
import type { Tokens } from './tokens.ts'

/** What the authorizer looks at. */
export interface Credentials {
  readonly authorization: string | undefined
  /** The registry's address as the client named it, `http://host:port`. */
  readonly baseUrl: string
}

/** Decides who may do what under `/v2/`. */
export interface Authorizer {
  /** The 401 to answer, or undefined when the request may go on. Without `needed`, any valid credentials will do. */
  challenge(credentials: Credentials, needed: RepositoryAccess | undefined): Answer | undefined
  /** Whether a request may also do something else than what it was challenged for. */
  allows(credentials: Credentials, needed: RepositoryAccess): boolean
}

/** `service` of challenges and token requests. */
export const SERVICE = 'registry-mock'

/** The authorizer of a mode: none, Basic, or Bearer with this registry's own token endpoint. */
export function createAuthorizer({ tokens }: { tokens: Tokens }, auth: RegistryMockConfig['auth']): Authorizer {
  if (auth.mode === 'none') return { challenge: () => undefined, allows: () => true }
  return auth.mode === 'basic' ? basicAuthorizer(auth) : bearerAuthorizer(tokens)
}

function basicAuthorizer(account: Account): Authorizer {
  const allows = ({ authorization }: Credentials) => isAccount(account, parseBasic(authorization))
  return {
    allows,
    challenge: credentials => (allows(credentials) ? undefined : unauthorized('basic', { realm: SERVICE })),
  }
}

function bearerAuthorizer(tokens: Tokens): Authorizer {
  const granted = ({ authorization }: Credentials) => {
    const [, token] = /^Bearer (\S+)$/i.exec(authorization ?? '') ?? []
    return token === undefined ? undefined : tokens.read(token)
  }
  return {
    allows: (credentials, needed) => grants(granted(credentials) ?? [], needed),
    challenge(credentials, needed) {
      const access = granted(credentials)
      if (access !== undefined && (needed === undefined || grants(access, needed))) return undefined
      const error =
        access !== undefined
          ? 'insufficient_scope'
          : credentials.authorization === undefined
            ? undefined
            : 'invalid_token'
      return unauthorized('bearer', {
        realm: `${credentials.baseUrl}/token`,
        service: SERVICE,
        ...(needed && { scope: formatScope(needed) }),
        ...(error && { error }),
      })
    },
  }
}

function unauthorized(scheme: string, params: Record<string, string>): Answer {
  const challenge = formatChallenges([{ scheme, params }])
  return errorAnswer(new DamselflyError('UNAUTHORIZED'), { 'www-authenticate': challenge })
}
