import { Compile } from 'typebox/compile'
import { type ApiAddress, requestApi } from '../../lib/http/client/api-endpoint.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { DialBackAnswer } from '../../protocol/messages/diagnosis.ts'

const schema = Compile(DialBackAnswer)

/**
 * Has a supernode dial a peer at the addresses that the peer gave it.
 * @throws DamselflyError SUPERNODE_UNREACHABLE when there is no usable answer, as from a supernode that is too busy or older
 */
export async function askDialBack(
  api: ApiAddress,
  peerId: string,
  { signal }: { signal: AbortSignal },
): Promise<DialBackAnswer> {
  let detail: string
  try {
    const path = `/api/v1/peers/${encodeURIComponent(peerId)}/dial-back`
    const { statusCode, body } = await requestApi(api, path, { method: 'POST', signal })
    const answer: unknown = statusCode === 200 ? await body.json() : await body.dump()
    if (schema.Check(answer)) return answer
    detail = statusCode === 200 ? 'its answer is not of the expected form' : `it answered with status ${statusCode}`
  } catch (error) {
    throw new DamselflyError('SUPERNODE_UNREACHABLE', (error as Error).message, { cause: error })
  }
  throw new DamselflyError('SUPERNODE_UNREACHABLE', detail)
}
