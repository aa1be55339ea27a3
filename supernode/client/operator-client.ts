import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { createApiClient } from '../../lib/http/client/api-client.ts'
import type { ApiAddress } from '../../lib/http/client/api-endpoint.ts'
import { BlockedEntry } from '../../protocol/messages/blocklist.ts'
import { ListedMember } from '../../protocol/messages/membership.ts'

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
/** A person waits, and what he changes is written down before it is answered. */
const DEADLINE_MS = 10_000

const membersForm = Compile(Type.Array(ListedMember))
const blocklistForm = Compile(Type.Array(BlockedEntry))

/** A client of a supernode for its operators. */
export function createOperatorClient(api: ApiAddress): OperatorClient {
  const client = createApiClient({ api, unreachable: 'SUPERNODE_UNREACHABLE', deadlineMs: DEADLINE_MS })
  const under = (path: string, id: string) => `${path}/${encodeURIComponent(id)}`
  return {
    members: ({ signal }) => client.ask(membersForm, { path: MEMBERS, signal }),
    async revoke(peer, { signal }) {
      await client.send({ method: 'DELETE', path: under(MEMBERS, peer), signal })
    },
    blocked: ({ signal }) => client.ask(blocklistForm, { path: BLOCKLIST, signal }),
    async block(id, reason, { signal }) {
      await client.send({ method: 'PUT', path: under(BLOCKLIST, id), json: { reason }, signal })
    },
    async unblock(id, { signal }) {
      await client.send({ method: 'DELETE', path: under(BLOCKLIST, id), signal })
    },
  }
}
