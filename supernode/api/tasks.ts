import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import { answers, jsonAnswer, noBody } from '../../lib/http/answers.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { BlockSizeField, SizeField, TaskIdField } from '../../protocol/messages/codec.ts'
import { parseTaskId } from '../../protocol/task.ts'
import type { SwarmDirector } from '../control/swarm-director.ts'
import type { Seeder } from '../seed/seeder.ts'
import { V1_TASK_FIELDS, v1TaskOf } from './v1-task.ts'

export interface TaskRouteComponents {
  readonly seeder: Seeder
  readonly store: BlockStore
  readonly director: SwarmDirector
}

/** A task as the API shows it: ours first, then what tools of Dragonfly v1 read (docs/api.md). */
const ListedTask = Type.Object({
  id: TaskIdField,
  state: Type.Union([
    Type.Literal('idle', { description: 'some blocks may be here, nobody reads the origin' }),
    Type.Literal('reading', { description: 'the origin is being read' }),
    Type.Literal('complete', { description: 'all blocks are here' }),
    Type.Literal('failed', { description: 'the last read broke off for good' }),
  ]),
  sizeBytes: Type.Union([SizeField, Type.Null()], { description: 'null while the origin has not said it' }),
  blockSizeBytes: BlockSizeField,
  storedBytes: SizeField,
  peers: Type.Integer({ minimum: 0, description: 'linked peers that want it' }),
  ...V1_TASK_FIELDS,
})
type ListedTask = Static<typeof ListedTask>

const TaskParams = Type.Object({ id: Type.String({ description: 'a digest, or url:<64 hex digits>' }) })
type TaskParams = Static<typeof TaskParams>

const DropQuery = Type.Object(
  {
    full: Type.Optional(
      Type.Boolean({ description: 'of Dragonfly v1, and without effect: the blocks of a task always go with it' }),
    ),
  },
  { additionalProperties: false },
)
type DropQuery = Static<typeof DropQuery>

/** The task routes: what the supernode holds, and for how many. */
export function addTaskRoutes(app: FastifyInstance, components: TaskRouteComponents): void {
  const tags = ['tasks']
  const list = {
    summary: 'The tasks that are here',
    tags,
    response: answers({ 200: jsonAnswer('all of them', Type.Array(ListedTask)) }),
  }
  app.get('/api/v1/tasks', { schema: list }, async () => listTasks(components))

  const show = {
    summary: 'One task',
    tags,
    params: TaskParams,
    response: answers({ 200: jsonAnswer('the task', ListedTask) }, ['TASK_UNKNOWN']),
  }
  app.get<{ Params: TaskParams }>('/api/v1/tasks/:id', { schema: show }, async ({ params }) => {
    const id = parseTaskId(params.id)
    const task = (await listTasks(components)).find(listed => listed.id === id)
    if (task === undefined) throw new DamselflyError('TASK_UNKNOWN', 'GET /api/v1/tasks lists what is here')
    return task
  })

  const drop = {
    summary: 'Forgets a task and its blocks',
    tags,
    params: TaskParams,
    querystring: DropQuery,
    response: answers({ 204: noBody('it is gone') }, ['REQUEST_INVALID', 'TASK_UNKNOWN']),
  }
  app.delete<{ Params: TaskParams; Querystring: DropQuery }>(
    '/api/v1/tasks/:id',
    { schema: drop },
    async ({ params }, reply) => {
      if (!(await components.seeder.drop(parseTaskId(params.id)))) throw new DamselflyError('TASK_UNKNOWN')
      return reply.code(204).send()
    },
  )
}

async function listTasks({ store, seeder, director }: TaskRouteComponents): Promise<ListedTask[]> {
  const wanted = director.peers().flatMap(peer => peer.tasks)
  const stored = await store.list()
  return stored.map(task => {
    const known = {
      id: task.taskId,
      state: seeder.get(task.taskId)?.state ?? (task.complete ? 'complete' : 'idle'),
      sizeBytes: task.sizeBytes ?? null,
      blockSizeBytes: task.blockSizeBytes,
    }
    const peers = wanted.filter(id => id === task.taskId).length
    return { ...known, storedBytes: task.storedBytes, peers, ...v1TaskOf(known) }
  })
}
