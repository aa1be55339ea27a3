import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer, textAnswer } from '../../lib/http/answers.ts'
import { MAX_PREHEAT_BODY_BYTES } from '../../protocol/messages/preheat-api.ts'
import { findPreheat } from '../api/find-preheat.ts'
import type { Preheats } from '../preheat/preheats.ts'
import { plainV2Body, preheatOfV2, startedV2Job, V2Job, V2JobRequest, v2JobOf } from './dragonfly-v2.ts'
import { plainBody } from './go-json.ts'
import { PREHEAT_REFUSALS } from './refusals.ts'

const JobParams = Type.Object({ id: Type.String({ maxLength: 32 }) })
type JobParams = Static<typeof JobParams>

/** `GET /healthy`, `POST` and `GET /oapi/v1/jobs`: for Harbor from 2.12 on, and what else drives a manager of Dragonfly v2. */
export function addDragonflyV2Routes(app: FastifyInstance, { preheats }: { readonly preheats: Preheats }): void {
  const tags = ['dragonfly']
  const health = {
    summary: 'The same as /_ping, for Dragonfly v2',
    tags,
    response: answers({ 200: textAnswer('`OK`') }),
  }
  app.get('/healthy', { schema: health, config: { access: 'public', unlimited: true } }, async () => 'OK')

  const starting = {
    summary: 'Starts a preheat job, in the form of Dragonfly v2',
    description: 'Fields may be null. What is under way already is answered with its job.',
    tags,
    body: V2JobRequest,
    response: answers({ 200: jsonAnswer('the job', V2Job) }, PREHEAT_REFUSALS),
  }
  app.post<{ Body: V2JobRequest }>(
    '/oapi/v1/jobs',
    {
      schema: starting,
      config: { access: ['operator'] },
      bodyLimit: MAX_PREHEAT_BODY_BYTES,
      preValidation: plainBody(plainV2Body),
    },
    async request => {
      const { job } = await preheats.start(preheatOfV2(request.body))
      request.auditTarget = String(job.id)
      return startedV2Job(job)
    },
  )

  const showing = {
    summary: 'A preheat job, in the form of Dragonfly v2',
    tags,
    params: JobParams,
    response: answers({ 200: jsonAnswer('the job', V2Job) }, ['PREHEAT_UNKNOWN']),
  }
  app.get<{ Params: JobParams }>(
    '/oapi/v1/jobs/:id',
    { schema: showing, config: { access: ['viewer'] } },
    async ({ params }) => v2JobOf(findPreheat(preheats, params.id)),
  )
}
