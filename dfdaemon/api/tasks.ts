import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Peer } from '../../dfget/peer/peer.ts'
import { requireNamed } from '../../lib/http/access/require-named.ts'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { DaemonTasks } from '../../protocol/messages/daemon-api.ts'

const TaskQuery = Type.Object(
  { id: Type.Optional(Type.String({ maxLength: 256, description: 'only this one' })) },
  { additionalProperties: false },
)
type TaskQuery = Static<typeof TaskQuery>

/**
 * `GET /api/v1/tasks?id=`: what the node holds or is downloading. Programs of the machine must name the task: whoever knows the digest
 * of imported content may have it.
 */
export function addTaskRoute(app: FastifyInstance, peer: Pick<Peer, 'tasks'>): void {
  const schema = {
    summary: 'What the node holds or is downloading',
    tags: ['tasks'],
    querystring: TaskQuery,
    response: answers({ 200: jsonAnswer('all of them, or the one that is asked for', DaemonTasks) }, [
      'REQUEST_INVALID',
    ]),
  }
  const config = { access: ['viewer', 'local'] } as const
  app.get<{ Querystring: TaskQuery }>('/api/v1/tasks', { schema, config }, async ({ identity, query: { id } }) => {
    requireNamed(identity, id)
    const tasks = await peer.tasks()
    return id === undefined ? tasks : tasks.filter(task => task.id === id)
  })
}
