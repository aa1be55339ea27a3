import { parseBasic } from '../../../registry-mock/auth/credentials.ts'
import { formatScope, grants, parseScopes, type RepositoryAccess } from '../../../registry-mock/auth/scope.ts'

/** Who may pull what from a registry. */
export interface FrontAccount {
  readonly username: string
  readonly password: string
  /** Repositories that it may pull; one that ends in `/` stands for all below it. */
  readonly pulls: readonly string[]
}

/** What is known of a requester: an account, that it showed none, or that what it showed is wrong. */
export type Identity = FrontAccount | 'anonymous' | 'wrong'

/** Who an `Authorization` of the Basic scheme belongs to. An empty one is no account (contracts §0 rule 10). */
export function identityOf(authorization: string | undefined, accounts: readonly FrontAccount[]): Identity {
  if (authorization === undefined) return 'anonymous'
  const shown = parseBasic(authorization)
  if (shown?.username === '' && shown.password === '') return 'anonymous'
  return accounts.find(known => known.username === shown?.username && known.password === shown.password) ?? 'wrong'
}

/** Whether an account may pull a repository. */
export function mayPull({ pulls }: FrontAccount, repository: string): boolean {
  return pulls.some(name => (name.endsWith('/') ? repository.startsWith(name) : repository === name))
}

/** What of the scopes that were asked for an account gets. Token services grant less without an error (contracts §1). */
export function grantedTo(account: FrontAccount | 'anonymous', scopes: readonly string[]): RepositoryAccess[] {
  if (account === 'anonymous') return []
  return parseScopes(scopes).filter(({ name }) => mayPull(account, name))
}

/** Whether a grant lets its holder pull a repository. */
export function grantsPull(granted: readonly RepositoryAccess[], repository: string): boolean {
  return grants(granted, { name: repository, actions: ['pull'] })
}

/** The scope that pulling a repository needs. */
export function pullScope(repository: string): string {
  return formatScope({ name: repository, actions: ['pull'] })
}
