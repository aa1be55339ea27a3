import { Compile } from 'typebox/compile'
import type { ErrorCode } from '../../../../protocol/errors.ts'
import { MadeToken, TokenList, type TokenRequest } from '../../../../protocol/messages/token-api.ts'
import { createApiClient } from '../../client/api-client.ts'
import type { ApiAddress } from '../../client/api-endpoint.ts'

/** The tokens of a program. Every call throws DamselflyError: its refusal, or `unreachable` when there is no usable answer. */
export interface TokenClient {
  create(request: TokenRequest): Promise<MadeToken>
  list(): Promise<TokenList>
  revoke(id: string): Promise<void>
}

const PATH = '/api/v1/tokens'
/** A program that says nothing for this long counts as down. */
const DEADLINE_MS = 5_000

const madeForm = Compile(MadeToken)
const listForm = Compile(TokenList)

/** @param unreachable the error when there is no usable answer */
export function createTokenClient(api: ApiAddress, unreachable: ErrorCode): TokenClient {
  const client = createApiClient({ api, unreachable, deadlineMs: DEADLINE_MS })
  return {
    create: request => client.ask(madeForm, { method: 'POST', path: PATH, json: request }),
    list: () => client.ask(listForm, { path: PATH }),
    revoke: async id => void (await client.send({ method: 'DELETE', path: `${PATH}/${encodeURIComponent(id)}` })),
  }
}
