import { type ApiClient, createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'

/** A supernode that says nothing for this long counts as down: no pull waits longer for it (design §8). */
const DEADLINE_MS = 1_000

/** A client for calls for which nobody waits long. Its errors are SUPERNODE_UNREACHABLE and the supernode's refusals. */
export function createPromptClient(api: ApiAddress): ApiClient {
  return createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: DEADLINE_MS })
}
