import { Compile } from 'typebox/compile'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { type JoinRequest, MembershipGrant } from '../../protocol/messages/membership.ts'
import { callSupernode, unreachable } from './call-supernode.ts'

/** How a node becomes a member of a cluster, and stays one. It is known by the client certificate of its connections. */
export interface MemberClient {
  /** @throws DamselflyError SUPERNODE_UNREACHABLE, TOKEN_INVALID, DENIED, TOOMANYREQUESTS */
  join(request: JoinRequest, options: { signal: AbortSignal }): Promise<MembershipGrant>
  /** A new credential. @throws DamselflyError SUPERNODE_UNREACHABLE, NOT_A_MEMBER */
  renew(options: { signal: AbortSignal }): Promise<MembershipGrant>
}

const schema = Compile(MembershipGrant)

/** A client for the members of a cluster. */
export function createMemberClient(api: ApiAddress): MemberClient {
  async function ask(path: string, body: unknown, options: { signal: AbortSignal }): Promise<MembershipGrant> {
    const answer = await callSupernode(api, { method: 'POST', path, body }, options)
    if (schema.Check(answer)) return answer
    throw unreachable('its answer is not of the expected form')
  }
  return {
    join: (request, options) => ask('/api/v1/members', request, options),
    renew: options => ask('/api/v1/members/renew', {}, options),
  }
}
