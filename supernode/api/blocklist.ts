import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { BlockedEntry, BlockedId, BlockRequest } from '../../protocol/messages/blocklist.ts'
import type { Blocklist } from '../blocklist/blocklist.ts'

const tags = ['blocklist']
const BlockParams = Type.Object({ id: BlockedId })
type BlockParams = Static<typeof BlockParams>
const DONE = { description: 'it is done', type: 'null' }

/** The routes of the blocklist. */
export function addBlocklistRoutes(app: FastifyInstance, { blocklist }: { readonly blocklist: Blocklist }): void {
  const listing = {
    summary: 'Peers that may not take part, and content that may not be distributed',
    tags,
    response: answers({ 200: jsonAnswer('all of them', Type.Array(BlockedEntry)) }),
  }
  app.get('/api/v1/blocklist', { schema: listing, config: { access: ['viewer'] } }, async () => blocklist.list())

  const adding = {
    summary: 'Blocks a peer or a task',
    description: 'A peer is out of every swarm within seconds. Content is deleted here and on nodes that pull it.',
    tags,
    params: BlockParams,
    body: BlockRequest,
    response: answers({ 204: DONE }, ['REQUEST_INVALID', 'TOOMANYREQUESTS', 'STORE_FAILED']),
  }
  app.put<{ Params: BlockParams; Body: BlockRequest }>(
    '/api/v1/blocklist/:id',
    { schema: adding, config: { access: ['operator'] } },
    async ({ params, body, identity }, reply) => {
      await blocklist.add(params.id, { reason: body.reason ?? '', by: `${identity.kind} ${identity.id}` })
      return reply.code(204).send()
    },
  )

  const removing = {
    summary: 'Blocks a peer or a task no longer',
    tags,
    params: BlockParams,
    response: answers({ 204: DONE }, ['NOT_BLOCKED', 'STORE_FAILED']),
  }
  app.delete<{ Params: BlockParams }>(
    '/api/v1/blocklist/:id',
    { schema: removing, config: { access: ['operator'] } },
    async ({ params }, reply) => {
      if (!(await blocklist.remove(params.id))) throw new DamselflyError('NOT_BLOCKED')
      return reply.code(204).send()
    },
  )
}
