import type { FastifyInstance } from 'fastify'
import type { Peer } from '../../dfget/peer/peer.ts'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { DaemonTasks } from '../../protocol/messages/daemon-api.ts'

/** `GET /api/v1/tasks`: what the node holds or is downloading. */
export function addTaskRoute(app: FastifyInstance, peer: Pick<Peer, 'tasks'>): void {
  const schema = {
    summary: 'What the node holds or is downloading',
    tags: ['tasks'],
    response: answers({ 200: jsonAnswer('all of them', DaemonTasks) }),
  }
  app.get('/api/v1/tasks', { schema }, () => peer.tasks())
}
