import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { MadeToken, TokenList, TokenRequest } from '../../../../protocol/messages/token-api.ts'
import { answers, jsonAnswer, noBody } from '../../answers.ts'
import type { TokenStore } from './token-store.ts'

export interface TokenRouteComponents {
  readonly tokens: Pick<TokenStore, 'create' | 'list' | 'revoke'>
  /** Where nodes join, for tokens of the role node. */
  readonly joinUrl?: () => string
}

/** Where a program makes, lists and takes back tokens. */
export const TOKENS_PATH = '/api/v1/tokens'

const TokenParams = Type.Object({ id: Type.String({ maxLength: 32, description: 'of a token, as the list shows it' }) })
type TokenParams = Static<typeof TokenParams>

/** `POST`, `GET` and `DELETE /api/v1/tokens`: for operators. */
export function addTokenRoutes(app: FastifyInstance, { tokens, joinUrl }: TokenRouteComponents): void {
  const tags = ['tokens']
  const config = { access: ['operator'] } as const
  const making = {
    summary: 'Makes a token, whose secret is in this answer and nowhere else',
    tags,
    body: TokenRequest,
    response: answers({ 201: jsonAnswer('the token', MadeToken) }, [
      'REQUEST_INVALID',
      'TOOMANYREQUESTS',
      'STORE_FAILED',
    ]),
  }
  app.post<{ Body: TokenRequest }>(TOKENS_PATH, { schema: making, config }, async (request, reply) => {
    const made = await tokens.create(request.body)
    request.auditTarget = `${made.id} ${made.role}`
    const join = made.role === 'node' && joinUrl !== undefined ? { joinUrl: joinUrl() } : {}
    return reply
      .code(201)
      .header('cache-control', 'no-store')
      .send({ ...made, ...join })
  })

  const listing = {
    summary: 'The tokens that there are, without their secrets',
    tags,
    response: answers({ 200: jsonAnswer('the newest first', TokenList) }),
  }
  app.get(TOKENS_PATH, { schema: listing, config }, async () => tokens.list())

  const revoking = {
    summary: 'Takes a token back, at once',
    tags,
    params: TokenParams,
    response: answers({ 204: noBody('it is not valid any more') }, [
      'TOKEN_UNKNOWN',
      'TOOMANYREQUESTS',
      'STORE_FAILED',
    ]),
  }
  app.delete<{ Params: TokenParams }>(`${TOKENS_PATH}/:id`, { schema: revoking, config }, async ({ params }, reply) => {
    await tokens.revoke(params.id)
    return reply.code(204).send()
  })
}
