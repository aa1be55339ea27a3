import type { FastifyInstance } from 'fastify'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { parseTaskId, type TaskId } from '../../protocol/task.ts'
import type { SwarmDirector } from '../control/swarm-director.ts'
import type { SeedState } from '../seed/seed-task.ts'
import type { Seeder } from '../seed/seeder.ts'

export interface TaskRouteComponents {
  readonly seeder: Seeder
  readonly store: BlockStore
  readonly director: SwarmDirector
}

/** A task as the API shows it. */
export interface TaskView {
  id: TaskId
  state: SeedState
  sizeBytes: number | null
  blockSizeBytes: number
  storedBytes: number
  /** Connected peers that want it. */
  peers: number
}

/** The task and peer routes: what the supernode holds, and for whom. */
export function addTaskRoutes(app: FastifyInstance, components: TaskRouteComponents): void {
  const { seeder, director } = components
  app.get('/api/v1/peers', async () => director.peers())
  app.get('/api/v1/tasks', async () => listTasks(components))
  app.get<{ Params: { id: string } }>('/api/v1/tasks/:id', async ({ params }) => {
    const id = parseTaskId(params.id)
    const task = (await listTasks(components)).find(view => view.id === id)
    if (task === undefined) throw new DamselflyError('TASK_UNKNOWN', 'GET /api/v1/tasks lists what is here')
    return task
  })
  app.delete<{ Params: { id: string } }>('/api/v1/tasks/:id', async ({ params }, reply) => {
    if (!(await seeder.drop(parseTaskId(params.id)))) throw new DamselflyError('TASK_UNKNOWN')
    return reply.code(204).send()
  })
}

async function listTasks({ store, seeder, director }: TaskRouteComponents): Promise<TaskView[]> {
  const wanted = director.peers().flatMap(peer => peer.tasks)
  const stored = await store.list()
  return stored.map(task => ({
    id: task.taskId,
    state: seeder.get(task.taskId)?.state ?? (task.complete ? 'complete' : 'idle'),
    sizeBytes: task.sizeBytes ?? null,
    blockSizeBytes: task.blockSizeBytes,
    storedBytes: task.storedBytes,
    peers: wanted.filter(id => id === task.taskId).length,
  }))
}
