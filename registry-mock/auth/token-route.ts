import type { Clock } from '../../lib/clock.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type Answer, errorAnswer, jsonAnswer } from '../answer.ts'
import type { RegistryMockConfig } from '../config.ts'
import type { RegistryRequest } from '../registry-request.ts'
import { readBody } from '../request-body.ts'
import { type Account, isAccount, parseBasic } from './credentials.ts'
import { parseScopes, type RepositoryAccess } from './scope.ts'
import type { Tokens } from './tokens.ts'

const FORM_MAX_BYTES = 64 * 1024

/**
 * The token endpoint: GET with Basic credentials or none (distribution's token specification), POST with a form of
 * `grant_type=password` (its OAuth2 variant). The answer carries the token under both names that clients look for.
 */
export function createTokenRoute(
  { tokens, clock }: { tokens: Tokens; clock: Clock },
  auth: RegistryMockConfig['auth'],
) {
  return async (request: RegistryRequest): Promise<Answer> => {
    if (request.method === 'GET') return answerGet(request)
    if (request.method === 'POST') return answerPost(request)
    throw new DamselflyError('UNSUPPORTED', 'tokens are given to GET and POST')
  }

  function answerGet({ headers, query }: RegistryRequest): Answer {
    const scopes = parseScopes(query.getAll('scope'))
    if (headers.authorization !== undefined) return grant(parseBasic(headers.authorization), scopes)
    const pullOnly = scopes.map(({ name, actions }) => ({ name, actions: actions.filter(action => action === 'pull') }))
    return tokenAnswer(auth.anonymousPull ? pullOnly : [])
  }

  async function answerPost({ body }: RegistryRequest): Promise<Answer> {
    const form = new URLSearchParams((await readBody(body, FORM_MAX_BYTES)).toString())
    if (form.get('grant_type') !== 'password') {
      throw new DamselflyError('REQUEST_INVALID', 'the form must say grant_type=password')
    }
    const account = { username: form.get('username') ?? '', password: form.get('password') ?? '' }
    return grant(account, parseScopes(form.getAll('scope')))
  }

  function grant(account: Account | undefined, scopes: readonly RepositoryAccess[]): Answer {
    if (isAccount(auth, account)) return tokenAnswer(scopes)
    return errorAnswer(new DamselflyError('UNAUTHORIZED'), { 'www-authenticate': 'Basic realm="registry-mock token"' })
  }

  function tokenAnswer(access: readonly RepositoryAccess[]): Answer {
    const token = tokens.issue(access)
    return jsonAnswer(200, {
      token,
      access_token: token,
      // Clients read whole seconds.
      expires_in: Math.ceil(tokens.lifetimeSeconds),
      issued_at: new Date(clock.wallTime()).toISOString(),
    })
  }
}
