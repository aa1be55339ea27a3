import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer, noBody } from '../../lib/http/answers.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { LocateRequest } from '../../protocol/messages/task-api.ts'
import { parseTaskId, type TaskId } from '../../protocol/task.ts'
import type { Admission } from './admission.ts'
import { taskIdOf } from './registration.ts'
import { ListedTask, ShownTask, type TaskViews } from './task-views.ts'

export interface TaskRouteComponents {
  readonly views: TaskViews
  /** Forgets and deletes all of a task. @returns whether there was anything of it */
  readonly drop: (task: TaskId) => Promise<boolean>
  readonly admission: Admission
}

/** The path of one task. */
export const TaskParams = Type.Object({ id: Type.String({ description: 'a digest, or url:<64 hex digits>' }) })
export type TaskParams = Static<typeof TaskParams>

const DropQuery = Type.Object(
  {
    full: Type.Optional(
      Type.Boolean({ description: 'of Dragonfly v1, and without effect: the blocks of a task always go with it' }),
    ),
  },
  { additionalProperties: false },
)
type DropQuery = Static<typeof DropQuery>

const LOCATE_REFUSALS = [
  'REQUEST_INVALID',
  'UNAUTHORIZED',
  'DENIED',
  'BLOB_UNKNOWN',
  'TASK_UNKNOWN',
  'UNSUPPORTED',
] as const

/** The task routes: what the supernode holds, and for how many. */
export function addTaskRoutes(app: FastifyInstance, components: TaskRouteComponents): void {
  const { views, drop, admission } = components
  const tags = ['tasks']
  const viewing = { access: ['viewer'] } as const
  const list = {
    summary: 'The tasks that are here',
    tags,
    response: answers({ 200: jsonAnswer('all of them', Type.Array(ListedTask)) }),
  }
  app.get('/api/v1/tasks', { schema: list, config: viewing }, () => views.list())

  const show = {
    summary: 'One task, and who has how much of it',
    tags,
    params: TaskParams,
    response: answers({ 200: jsonAnswer('the task', ShownTask) }, ['TASK_UNKNOWN']),
  }
  app.get<{ Params: TaskParams }>('/api/v1/tasks/:id', { schema: show, config: viewing }, ({ params }) =>
    views.show(parseTaskId(params.id)),
  )

  const locate = {
    summary: 'The task of a source, for somebody who may read it',
    description: "Asks the origin as a registration does. Its refusals come with the table's code for them.",
    tags,
    body: LocateRequest,
    response: answers({ 200: jsonAnswer('the task', ShownTask) }, LOCATE_REFUSALS),
  }
  app.post<{ Body: LocateRequest }>(
    '/api/v1/tasks/locate',
    { schema: locate, config: { ...viewing, audit: 'refusals' } },
    async ({ body: { source } }) => {
      const admitted = await admission.check(source, { allowStale: true })
      return views.show(taskIdOf(source, admitted))
    },
  )

  const dropping = {
    summary: 'Forgets a task and its blocks, and has peers let go what they keep of it as replicas',
    tags,
    params: TaskParams,
    querystring: DropQuery,
    response: answers({ 204: noBody('it is gone') }, ['REQUEST_INVALID', 'TASK_UNKNOWN']),
  }
  app.delete<{ Params: TaskParams; Querystring: DropQuery }>(
    '/api/v1/tasks/:id',
    { schema: dropping, config: { access: ['operator'] } },
    async ({ params }, reply) => {
      if (!(await drop(parseTaskId(params.id)))) throw new DamselflyError('TASK_UNKNOWN')
      return reply.code(204).send()
    },
  )
}
