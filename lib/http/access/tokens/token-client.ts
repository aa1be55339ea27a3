import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import { DamselflyError, type ErrorCode } from '../../../../protocol/errors.ts'
import { MadeToken, TokenList, type TokenRequest } from '../../../../protocol/messages/token-api.ts'
import { apiRefusal } from '../../api-refusal.ts'
import { type ApiAddress, requestApi } from '../../client/api-endpoint.ts'

/** The tokens of a program. Every call throws DamselflyError: its refusal, or `unreachable` when there is no usable answer. */
export interface TokenClient {
  create(request: TokenRequest): Promise<MadeToken>
  list(): Promise<TokenList>
  revoke(id: string): Promise<void>
}

const PATH = '/api/v1/tokens'
/** A program that says nothing for this long counts as down. */
const SILENCE_MS = 5_000

/** @param unreachable the error when there is no usable answer */
export function createTokenClient(api: ApiAddress, unreachable: ErrorCode): TokenClient {
  async function send(method: 'GET' | 'POST' | 'DELETE', path: string, json?: unknown): Promise<unknown> {
    let status: number
    let answer: unknown
    try {
      const { statusCode, body } = await requestApi(api, path, {
        method,
        signal: AbortSignal.timeout(SILENCE_MS),
        ...(json === undefined ? {} : { body: JSON.stringify(json), headers: { 'content-type': 'application/json' } }),
      })
      const text = await body.text()
      status = statusCode
      answer = text === '' ? undefined : JSON.parse(text)
    } catch (error) {
      throw new DamselflyError(unreachable, (error as Error).message, { cause: error })
    }
    if (status < 300) return answer
    throw apiRefusal(answer) ?? new DamselflyError(unreachable, `it answered with status ${status}`)
  }

  function checked<Schema extends TSchema>(schema: Schema, answer: unknown): Static<Schema> {
    if (Value.Check(schema, answer)) return answer
    throw new DamselflyError(unreachable, 'its answer is not of the expected form')
  }

  return {
    create: async request => checked(MadeToken, await send('POST', PATH, request)),
    list: async () => checked(TokenList, await send('GET', PATH)),
    revoke: async id => void (await send('DELETE', `${PATH}/${encodeURIComponent(id)}`)),
  }
}
