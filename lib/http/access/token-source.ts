import type { TokenRole, TokenView } from '../../../protocol/messages/token-api.ts'
import type { Role } from '../../../protocol/roles.ts'
import type { IdentitySource } from './identity-source.ts'

/** What a token lets its holder do at the API. A token for joining proves no node: that is what it is exchanged for. */
const ROLES: Readonly<Record<TokenRole, readonly Role[]>> = { node: [], viewer: ['viewer'], operator: ['operator'] }

/** A token in `Authorization: Bearer` (RFC 6750 §2.1). @param tokens find a valid one, in the same time for any text */
export function createTokenSource(tokens: { find(text: string): TokenView | undefined }): IdentitySource {
  return {
    identify({ headers: { authorization } }) {
      if (authorization === undefined) return undefined
      const token = tokens.find(authorization.replace(/^bearer +/i, ''))
      const roles = token === undefined ? [] : ROLES[token.role]
      return token === undefined || roles.length === 0
        ? undefined
        : { kind: 'token', id: token.id, roles: new Set(roles) }
    },
  }
}
