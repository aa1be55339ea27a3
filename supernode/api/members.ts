import type { FastifyInstance, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { peerOfSocket } from '../../lib/tls/peer-of-socket.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { PeerIdField } from '../../protocol/messages/fields.ts'
import { JoinRequest, ListedMember, MembershipGrant } from '../../protocol/messages/membership.ts'
import type { ClusterInfo } from '../../protocol/messages/registration.ts'
import type { Membership } from '../members/membership.ts'

export interface MemberRouteComponents {
  readonly membership: Membership
  readonly cluster: () => ClusterInfo
  /** PeerIds that have a control stream. */
  readonly linked: () => ReadonlySet<string>
}

const tags = ['members']
const MemberParams = Type.Object({ id: PeerIdField })
interface MemberParams {
  readonly id: string
}

/** The routes by which nodes become members, stay so, and are sent away. */
export function addMemberRoutes(app: FastifyInstance, { membership, cluster, linked }: MemberRouteComponents): void {
  const grant = jsonAnswer('its credential, and whom it talks to', MembershipGrant)

  const joining = {
    summary: 'Makes a node a member of the cluster',
    description: 'The node is known by the Ed25519 key of its TLS client certificate, which becomes its PeerId.',
    tags,
    body: JoinRequest,
    response: answers({ 201: grant }, [
      'REQUEST_INVALID',
      'UNAUTHORIZED',
      'TOKEN_INVALID',
      'DENIED',
      'TOOMANYREQUESTS',
    ]),
  }
  app.post<{ Body: JoinRequest }>(
    '/api/v1/members',
    { schema: joining, config: { access: 'public', audit: 'public' } },
    async (request, reply) => {
      const peerId = provenPeer(request)
      request.auditTarget = peerId
      const { token, name, temporary = false } = request.body
      const credential = await membership.join({ peer: peerId, token, name, temporary })
      return reply.code(201).send({ peerId, ...credential, ...cluster() })
    },
  )

  const renewing = {
    summary: 'A new credential for a member',
    tags,
    response: answers({ 200: grant }, ['NOT_A_MEMBER', 'DENIED']),
  }
  // Public because it is the key that counts: who is no member gets to know it by its own error.
  app.post('/api/v1/members/renew', { schema: renewing, config: { access: 'public' } }, async request => {
    const peerId = provenPeer(request)
    return { peerId, ...(await membership.renew(peerId)), ...cluster() }
  })

  const listing = {
    summary: 'The members of the cluster',
    tags,
    response: answers({ 200: jsonAnswer('all of them', Type.Array(ListedMember)) }),
  }
  app.get('/api/v1/members', { schema: listing, config: { access: ['viewer'] } }, async (): Promise<ListedMember[]> => {
    const now = linked()
    return [...membership.members()].map(([id, member]) => ({ id, ...member, linked: now.has(id) }))
  })

  const revoking = {
    summary: 'Ends a membership: within seconds the node is out of every swarm',
    tags,
    params: MemberParams,
    response: answers({ 204: { description: 'it is no member any more', type: 'null' } }, ['PEER_UNKNOWN']),
  }
  app.delete<{ Params: MemberParams }>(
    '/api/v1/members/:id',
    { schema: revoking, config: { access: ['operator'] } },
    async ({ params }, reply) => {
      await membership.revoke(params.id)
      return reply.code(204).send()
    },
  )
}

/** @throws DamselflyError UNAUTHORIZED */
function provenPeer({ socket }: FastifyRequest): string {
  const peer = peerOfSocket(socket)
  if (peer !== undefined) return peer
  throw new DamselflyError(
    'UNAUTHORIZED',
    'a node shows a TLS client certificate of its Ed25519 key; "dfdaemon join" does',
  )
}
