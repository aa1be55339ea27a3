import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { contentLength } from '../../lib/origin/content-plan.ts'
import { parseDigest } from '../../protocol/digest.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { ImportQuery, ReplicaRequest } from '../../protocol/messages/task-api.ts'
import { parseTaskId, taskIdOfDigest } from '../../protocol/task.ts'
import type { Blocklist } from '../blocklist/blocklist.ts'
import type { Imports } from '../imports/imports.ts'
import { ShownTask, type TaskViews } from './task-views.ts'
import { TaskParams } from './tasks.ts'

export interface ImportRouteComponents {
  readonly views: TaskViews
  readonly imports: Pick<Imports, 'take' | 'wantReplicas'>
  /** Refuses content that is blocked. */
  readonly blocklist: Pick<Blocklist, 'checkTask'>
}

/** A sender that is silent for this long has gone. */
const SILENCE_MS = 60_000

/** The routes that put content into the swarm. */
export function addImportRoutes(app: FastifyInstance, { views, imports, blocklist }: ImportRouteComponents): void {
  const tags = ['tasks']
  const config = { access: ['operator'] } as const

  const taking = {
    summary: 'Imports content, which whoever knows its digest may have from then on',
    description:
      'The body is the content, whatever its Content-Type says. Nobody is told of it before its digest was checked; of an upload that breaks off nothing is left.',
    tags,
    params: TaskParams,
    querystring: ImportQuery,
    response: answers(
      {
        200: jsonAnswer('it had been imported before', ShownTask),
        201: jsonAnswer('it is imported', ShownTask),
      },
      ['DIGEST_INVALID', 'REQUEST_INVALID', 'TASK_BLOCKED', 'TOOMANYREQUESTS', 'STORE_FULL', 'STORE_FAILED'],
    ),
  }
  // A scope of its own: no other route takes a body of any length.
  app.register(async scope => {
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, body, done) => done(null, body))
    scope.put<{ Params: TaskParams; Querystring: ImportQuery }>(
      '/api/v1/tasks/:id',
      { schema: taking, config },
      async ({ raw, params, query }, reply) => {
        const digest = parseDigest(params.id)
        blocklist.checkTask(taskIdOfDigest(digest))
        const sizeBytes = contentLength(raw.headers['content-length'])
        if (sizeBytes === 'bad') throw new DamselflyError('SIZE_INVALID', 'the Content-Length is above 2^53')
        const wasThere = await imports.take({ digest, sizeBytes, body: bodyOf(raw) }, query.replicas)
        return reply.code(wasThere ? 200 : 201).send(await views.show(taskIdOfDigest(digest)))
      },
    )
  })

  const replicating = {
    summary: 'Says how many peers shall keep a copy of imported content',
    tags,
    params: TaskParams,
    body: ReplicaRequest,
    response: answers({ 200: jsonAnswer('the task', ShownTask) }, ['REQUEST_INVALID', 'TASK_UNKNOWN']),
  }
  app.put<{ Params: TaskParams; Body: ReplicaRequest }>(
    '/api/v1/tasks/:id/replicas',
    { schema: replicating, config },
    async ({ params, body }) => {
      const taskId = parseTaskId(params.id)
      await imports.wantReplicas(taskId, body.wanted)
      return views.show(taskId)
    },
  )
}

/** What is sent, from the moment on in which it is asked for. @throws DamselflyError REQUEST_INVALID when it breaks off */
async function* bodyOf(request: IncomingMessage): AsyncGenerator<Uint8Array> {
  const silent = () => request.destroy(new Error('silent for too long'))
  request.setTimeout(SILENCE_MS, silent)
  try {
    // Not to be destroyed with the iterator: an answer has to go out.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array
  } catch (error) {
    throw new DamselflyError('REQUEST_INVALID', `the upload broke off: ${(error as Error).message}`, { cause: error })
  } finally {
    request.setTimeout(0)
    request.off('timeout', silent)
  }
}
