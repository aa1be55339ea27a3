import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { MAX_PREHEAT_BODY_BYTES } from '../../protocol/messages/preheat-api.ts'
import { findPreheat, preheatIdOf } from '../api/find-preheat.ts'
import type { Preheats } from '../preheat/preheats.ts'
import { plainV1Body, preheatOfV1, V1Preheat, V1PreheatRequest, V1Started, v1PreheatOf } from './dragonfly-v1.ts'
import { plainBody } from './go-json.ts'
import { PREHEAT_REFUSALS } from './refusals.ts'

/** v1 serves the same at both. */
const PATHS = ['/preheats', '/api/v1/preheats']

const JobParams = Type.Object({ id: Type.String({ maxLength: 32 }) })
type JobParams = Static<typeof JobParams>

/**
 * `/preheats` and `/api/v1/preheats`: for Harbor from 2.1 to 2.11, and what else drives a supernode of Dragonfly v1. Never 208: Harbor 2.1 and 2.2
 * would look for an ID in it, and for the others what is over is started again, and soon done.
 */
export function addDragonflyV1Routes(app: FastifyInstance, { preheats }: { readonly preheats: Preheats }): void {
  const tags = ['dragonfly']
  const viewing = { access: ['viewer'] } as const
  const changing = { access: ['operator'] } as const
  const starting = {
    summary: 'Starts a preheat job, in the form of Dragonfly v1',
    description: 'Fields may be null. What is under way already is answered with its job.',
    tags,
    body: V1PreheatRequest,
    response: answers({ 201: jsonAnswer('the job', V1Started) }, PREHEAT_REFUSALS),
  }
  const listing = {
    summary: 'The preheat jobs that are remembered, in the form of Dragonfly v1',
    tags,
    response: answers({ 200: jsonAnswer('the newest first', Type.Array(V1Preheat)) }),
  }
  const showing = {
    summary: 'A preheat job, in the form of Dragonfly v1',
    tags,
    params: JobParams,
    response: answers({ 200: jsonAnswer('the job', V1Preheat) }, ['PREHEAT_UNKNOWN']),
  }
  const ending = {
    summary: 'Ends a preheat job, as Dragonfly v1 does',
    tags,
    params: JobParams,
    response: answers({ 200: jsonAnswer('always true, as v1 answers for unknown jobs, too', Type.Boolean()) }, [
      'PREHEAT_UNKNOWN',
      'STORE_FAILED',
    ]),
  }
  for (const path of PATHS) {
    app.post<{ Body: V1PreheatRequest }>(
      path,
      {
        schema: starting,
        config: changing,
        bodyLimit: MAX_PREHEAT_BODY_BYTES,
        preValidation: plainBody(plainV1Body),
      },
      async (request, reply) => {
        const { job } = await preheats.start(preheatOfV1(request.body))
        request.auditTarget = String(job.id)
        return reply.code(201).send({ ID: String(job.id) })
      },
    )
    app.get(path, { schema: listing, config: viewing }, async () => preheats.list().map(v1PreheatOf))
    app.get<{ Params: JobParams }>(`${path}/:id`, { schema: showing, config: viewing }, async ({ params }) =>
      v1PreheatOf(findPreheat(preheats, params.id)),
    )
    app.delete<{ Params: JobParams }>(
      `${path}/:id`,
      { schema: ending, config: changing },
      async ({ params }, reply) => {
        await preheats.cancel(preheatIdOf(params.id))
        return reply.send(true)
      },
    )
  }
}
