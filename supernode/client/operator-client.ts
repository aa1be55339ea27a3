import { type Static, type TSchema, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { BlockedEntry } from '../../protocol/messages/blocklist.ts'
import { ListedMember } from '../../protocol/messages/membership.ts'
import { callSupernode, unreachable } from './call-supernode.ts'

interface CallOptions {
  readonly signal: AbortSignal
}

/** Who may take part, and what is blocked. Every call throws DamselflyError: the supernode's refusal, or SUPERNODE_UNREACHABLE. */
export interface OperatorClient {
  members(options: CallOptions): Promise<ListedMember[]>
  revoke(peer: string, options: CallOptions): Promise<void>
  blocked(options: CallOptions): Promise<BlockedEntry[]>
  /** @param id of a peer or a task */
  block(id: string, reason: string, options: CallOptions): Promise<void>
  unblock(id: string, options: CallOptions): Promise<void>
}

const MEMBERS = '/api/v1/members'
const BLOCKLIST = '/api/v1/blocklist'

/** A client of a supernode for its operators. */
export function createOperatorClient(api: ApiAddress): OperatorClient {
  const under = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`

  async function list<Entry extends TSchema>(
    path: string,
    entry: Entry,
    options: CallOptions,
  ): Promise<Static<Entry>[]> {
    const schema = Type.Array(entry)
    const answer = await callSupernode(api, { method: 'GET', path }, options)
    if (Value.Check(schema, answer)) return answer as Static<Entry>[]
    throw unreachable('its answer is not of the expected form')
  }

  return {
    members: options => list(MEMBERS, ListedMember, options),
    async revoke(peer, options) {
      await callSupernode(api, { method: 'DELETE', path: under(MEMBERS, peer) }, options)
    },
    blocked: options => list(BLOCKLIST, BlockedEntry, options),
    async block(id, reason, options) {
      await callSupernode(api, { method: 'PUT', path: under(BLOCKLIST, id), body: { reason } }, options)
    },
    async unblock(id, options) {
      await callSupernode(api, { method: 'DELETE', path: under(BLOCKLIST, id) }, options)
    },
  }
}
