import type { FastifyInstance } from 'fastify'
import type { StoredContent } from '../../dfget/peer/stored-content.ts'
import { checkFromHere } from '../../lib/http/from-here.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { StoreDamage, StoreStatus, StoreSweep } from '../../protocol/messages/daemon-api.ts'
import { parseTaskId } from '../../protocol/task.ts'

const PATH = '/api/v1/store'

interface OfTask {
  readonly Params: { readonly id: string }
}

/** What the node has stored: anybody may look, only the machine itself may change it. */
export function addStoreRoutes(app: FastifyInstance, stored: StoredContent): void {
  app.get(PATH, async (): Promise<StoreStatus> => {
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

  app.delete<OfTask>(`${PATH}/tasks/:id`, async ({ socket, params }, reply) => {
    checkFromHere(socket, 'stored content is deleted')
    known(await stored.remove(parseTaskId(params.id)))
    return reply.code(204).send()
  })

  for (const [method, pinned] of [
    ['PUT', true],
    ['DELETE', false],
  ] as const) {
    app.route<OfTask>({
      method,
      url: `${PATH}/tasks/:id/pin`,
      async handler({ socket, params }, reply) {
        checkFromHere(socket, 'stored content is pinned')
        known(await stored.pin(parseTaskId(params.id), pinned))
        return reply.code(204).send()
      },
    })
  }

  app.post<OfTask>(`${PATH}/tasks/:id/verify`, async ({ socket, params }): Promise<StoreDamage> => {
    checkFromHere(socket, 'stored content is verified')
    const hungUp = new AbortController()
    const onClose = () => hungUp.abort(new Error('the caller has hung up'))
    socket.once('close', onClose)
    try {
      const damagedBlocks = await stored.verify(parseTaskId(params.id), { signal: hungUp.signal })
      return { damagedBlocks: known(damagedBlocks) }
    } finally {
      socket.off('close', onClose)
    }
  })

  app.post(`${PATH}/gc`, async ({ socket }): Promise<StoreSweep> => {
    checkFromHere(socket, 'stored content is deleted')
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
