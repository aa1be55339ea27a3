import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { AddressesField, LabelsField, PeerIdField, TaskIdField } from '../../protocol/messages/fields.ts'
import type { PeerView } from '../control/swarm-director.ts'
import { PeerQuery, pageOfPeers } from './peer-page.ts'
import { V1_PEER_FIELDS, v1PeerOf } from './v1-peer.ts'

/** A linked peer as the API shows it: ours first, then what tools of Dragonfly v1 read (docs/api.md). */
const ListedPeer = Type.Object({
  id: PeerIdField,
  addresses: AddressesField,
  labels: LabelsField,
  tasks: Type.Array(TaskIdField, { description: 'what it wants' }),
  ...V1_PEER_FIELDS,
})
type ListedPeer = Static<typeof ListedPeer>

/** `GET /api/v1/peers`: the peers that have a control stream. @param peers all of them */
export function addPeerRoutes(app: FastifyInstance, { peers }: { readonly peers: () => readonly PeerView[] }): void {
  const schema = {
    summary: 'The peers that are linked',
    tags: ['peers'],
    querystring: PeerQuery,
    response: answers({ 200: jsonAnswer('one page of them, or all', Type.Array(ListedPeer)) }, ['REQUEST_INVALID']),
  }
  app.get<{ Querystring: PeerQuery }>('/api/v1/peers', { schema, config: { access: ['viewer'] } }, async ({ query }) =>
    pageOfPeers(peers().map(listedPeerOf), query),
  )
}

function listedPeerOf(view: PeerView): ListedPeer {
  const { id, addresses, labels, tasks } = view
  return { id, addresses: [...addresses], labels, tasks: [...tasks], ...v1PeerOf(view) }
}
