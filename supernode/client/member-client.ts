import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { type JoinRequest, MembershipGrant } from '../../protocol/messages/membership.ts'

/** How a node becomes a member of a cluster, and stays one. It is known by the client certificate of its connections. */
export interface MemberClient {
  /** @throws DamselflyError SUPERNODE_UNREACHABLE, TOKEN_INVALID, DENIED, TOOMANYREQUESTS */
  join(request: JoinRequest, options: { signal: AbortSignal }): Promise<MembershipGrant>
  /** A new credential. @throws DamselflyError SUPERNODE_UNREACHABLE, NOT_A_MEMBER */
  renew(options: { signal: AbortSignal }): Promise<MembershipGrant>
}

/** No pull waits for it, and what is granted is written down before it is answered. */
const DEADLINE_MS = 10_000

const grantForm = Compile(MembershipGrant)

/** A client for the members of a cluster. */
export function createMemberClient(api: ApiAddress): MemberClient {
  const client = createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: DEADLINE_MS })
  const ask = (path: string, json: unknown, { signal }: { signal: AbortSignal }) =>
    client.ask(grantForm, { method: 'POST', path, json, signal })
  return {
    join: (request, options) => ask('/api/v1/members', request, options),
    renew: options => ask('/api/v1/members/renew', {}, options),
  }
}
