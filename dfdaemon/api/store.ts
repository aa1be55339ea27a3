import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { StoredContent } from '../../dfget/peer/stored-content.ts'
import { answers, jsonAnswer, noBody } from '../../lib/http/answers.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { StoreDamage, StoreStatus, StoreSweep } from '../../protocol/messages/daemon-api.ts'
import { parseTaskId } from '../../protocol/task.ts'

const PATH = '/api/v1/store'

const TaskParams = Type.Object({ id: Type.String({ description: 'a digest, or url:<64 hex digits>' }) })

interface OfTask {
  readonly Params: Static<typeof TaskParams>
}

/** What the node has stored: viewers may look, only operators may change it. */
export function addStoreRoutes(app: FastifyInstance, stored: StoredContent): void {
  const tags = ['store']
  const refused = ['TASK_UNKNOWN'] as const
  const config = { access: ['operator'] } as const
  const ofTask = { tags, params: TaskParams }

  const look = {
    summary: 'How full the store is, and with what',
    tags,
    response: answers({ 200: jsonAnswer('its room and its tasks', StoreStatus) }),
  }
  app.get(PATH, { schema: look, config: { access: ['viewer'] } }, async (): Promise<StoreStatus> => {
    const [space, tasks] = await Promise.all([stored.space(), stored.list()])
    return {
      space: { ...space, capacityBytes: space.capacityBytes === null ? null : Math.floor(space.capacityBytes) },
      tasks: tasks.map(({ taskId, sizeBytes, storedBytes, complete, pinned, usedAt }) => ({
        id: taskId,
        sizeBytes: sizeBytes ?? null,
        storedBytes,
        complete,
        pinned,
        usedAt,
      })),
    }
  })

  const removal = {
    ...ofTask,
    summary: 'Deletes a task; one that is in use goes when that is over',
    response: answers({ 204: noBody('it is gone, or goes') }, refused),
  }
  app.delete<OfTask>(`${PATH}/tasks/:id`, { schema: removal, config }, async ({ params }, reply) => {
    known(await stored.remove(parseTaskId(params.id)))
    return reply.code(204).send()
  })

  for (const [method, pinned, summary] of [
    ['PUT', true, 'Keeps a task when room is needed'],
    ['DELETE', false, 'Lets a task go when room is needed'],
  ] as const) {
    app.route<OfTask>({
      method,
      url: `${PATH}/tasks/:id/pin`,
      schema: { ...ofTask, summary, response: answers({ 204: noBody('so it is') }, refused) },
      config,
      async handler({ params }, reply) {
        known(await stored.pin(parseTaskId(params.id), pinned))
        return reply.code(204).send()
      },
    })
  }

  const verification = {
    ...ofTask,
    summary: 'Hashes what is stored of a task, and forgets what is wrong',
    response: answers({ 200: jsonAnswer('the blocks that were wrong', StoreDamage) }, refused),
  }
  app.post<OfTask>(
    `${PATH}/tasks/:id/verify`,
    { schema: verification, config },
    async ({ socket, params }): Promise<StoreDamage> => {
      const hungUp = new AbortController()
      const onClose = () => hungUp.abort(new Error('the caller has hung up'))
      socket.once('close', onClose)
      try {
        const damagedBlocks = await stored.verify(parseTaskId(params.id), { signal: hungUp.signal })
        return { damagedBlocks: known(damagedBlocks) }
      } finally {
        socket.off('close', onClose)
      }
    },
  )

  const sweep = {
    summary: 'Deletes what lies above the watermarks now',
    tags,
    response: answers({ 200: jsonAnswer('the tasks that were deleted', StoreSweep) }),
  }
  app.post(`${PATH}/gc`, { schema: sweep, config }, async (): Promise<StoreSweep> => {
    return { removed: await stored.sweep() }
  })
}

/** @throws DamselflyError TASK_UNKNOWN */
function known<Found>(found: Found | undefined | false): Found {
  if (found === undefined || found === false) {
    throw new DamselflyError('TASK_UNKNOWN', '"dfdaemon store ls" shows what is stored')
  }
  return found
}
