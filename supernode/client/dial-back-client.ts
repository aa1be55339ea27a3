import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { DialBackAnswer } from '../../protocol/messages/diagnosis.ts'

const form = Compile(DialBackAnswer)

/**
 * Has a supernode dial a peer at the addresses that the peer gave it.
 * @param signal for how long there is patience
 * @throws DamselflyError the supernode's refusal; SUPERNODE_UNREACHABLE when there is no usable answer, as from one that is older
 */
export function askDialBack(
  api: ApiAddress,
  peerId: string,
  { signal }: { signal: AbortSignal },
): Promise<DialBackAnswer> {
  const client = createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: Number.POSITIVE_INFINITY })
  return client.ask(form, { method: 'POST', path: `/api/v1/peers/${encodeURIComponent(peerId)}/dial-back`, signal })
}
