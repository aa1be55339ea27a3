import { text } from 'node:stream/consumers'
import type { RepositoryAccess } from '../../../registry-mock/auth/scope.ts'
import { type FrontAccount, grantedTo, type Identity, identityOf } from './account.ts'
import { answerJson, refuse } from './answers.ts'
import type { FrontExchange } from './front-server.ts'

/** In what ways token services differ. */
export interface TokenServiceInit {
  readonly methods: readonly ('GET' | 'POST')[]
  /** Under which names the answer has the token. */
  readonly names: readonly ('token' | 'access_token')[]
  /** What the answer says of the token's life. */
  readonly expiresInSeconds: number
}

/** Answers a request for a token: GET with Basic credentials or none, POST with a password in a form (contracts §1). */
export async function answerTokenRequest(
  { request, response, url, seen }: FrontExchange,
  init: TokenServiceInit & {
    readonly accounts: readonly FrontAccount[]
    readonly issue: (access: readonly RepositoryAccess[]) => string
  },
): Promise<void> {
  const method = init.methods.find(known => known === seen.method)
  if (method === undefined) return refuse(response, 405, 'UNSUPPORTED', `no ${seen.method} here`)
  const form = new URLSearchParams(method === 'POST' ? await text(request) : '')
  const identity =
    method === 'GET' ? identityOf(request.headers.authorization, init.accounts) : identityOfForm(form, init.accounts)
  if (identity === 'wrong') return refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password')
  const scopes = method === 'GET' ? url.searchParams.getAll('scope') : form.getAll('scope')
  const token = init.issue(grantedTo(identity, scopes))
  answerJson(response, {
    ...Object.fromEntries(init.names.map(name => [name, token])),
    expires_in: init.expiresInSeconds,
    issued_at: new Date().toISOString(),
  })
}

function identityOfForm(form: URLSearchParams, accounts: readonly FrontAccount[]): Identity {
  const given = (name: string) => form.get(name) ?? ''
  if (given('grant_type') !== 'password') return 'wrong'
  return (
    accounts.find(({ username, password }) => username === given('username') && password === given('password')) ??
    'wrong'
  )
}
