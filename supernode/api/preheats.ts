import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import type { Clock } from '../../lib/clock.ts'
import { answers, jsonAnswer, noBody, textAnswer } from '../../lib/http/answers.ts'
import type { Logger } from '../../lib/logger.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import {
  MAX_PREHEAT_BODY_BYTES,
  PreheatJob,
  PreheatRequest,
  PreheatSummary,
} from '../../protocol/messages/preheat-api.ts'
import type { Preheats } from '../preheat/preheats.ts'
import { answerWithEvents, type ServerSentEvent } from './event-stream.ts'
import { findPreheat, preheatIdOf } from './find-preheat.ts'

export interface PreheatRouteComponents {
  readonly preheats: Preheats
  readonly clock: Pick<Clock, 'every'>
  readonly logger: Logger
}

/** Where our own tools start and see jobs; `withoutV1Prefix` leaves it alone. */
const PREHEATS_PATH = '/v1/preheats'
/** The `id` of a job's last event. Whoever has it needs no more. */
const LAST_ID = 'end'

const PreheatParams = Type.Object({
  id: Type.String({ maxLength: 32, description: 'of a job, as the answer to its start and the list have it' }),
})
type PreheatParams = Static<typeof PreheatParams>

/** `POST`, `GET` and `DELETE /v1/preheats`: viewers see jobs, operators start and end them. */
export function addPreheatRoutes(app: FastifyInstance, { preheats, clock, logger }: PreheatRouteComponents): void {
  const tags = ['preheats']
  const viewing = { access: ['viewer'] } as const
  const changing = { access: ['operator'] } as const

  const starting = {
    summary: 'Spreads an image or files before they are asked for',
    description: 'Either "image" or "files". What is wrong with their origin is said in the job.',
    tags,
    body: PreheatRequest,
    response: answers(
      {
        200: jsonAnswer('the same was under way already', PreheatSummary),
        201: jsonAnswer('the job', PreheatSummary),
      },
      ['REQUEST_INVALID', 'BODY_TOO_LARGE', 'TOOMANYREQUESTS', 'STORE_FAILED'],
    ),
  }
  app.post<{ Body: PreheatRequest }>(
    PREHEATS_PATH,
    { schema: starting, config: changing, bodyLimit: MAX_PREHEAT_BODY_BYTES },
    async (request, reply) => {
      checkWanted(request.body)
      const { job, isNew } = await preheats.start(request.body)
      request.auditTarget = String(job.id)
      return reply
        .code(isNew ? 201 : 200)
        .header('location', `${PREHEATS_PATH}/${job.id}`)
        .send(job)
    },
  )

  const listing = {
    summary: 'The jobs that are remembered',
    tags,
    response: answers({ 200: jsonAnswer('the newest first', Type.Array(PreheatSummary)) }),
  }
  app.get(PREHEATS_PATH, { schema: listing, config: viewing }, async () => preheats.list())

  const showing = {
    summary: 'One job, and how far its contents and nodes are',
    tags,
    params: PreheatParams,
    response: answers({ 200: jsonAnswer('the job', PreheatJob) }, ['PREHEAT_UNKNOWN']),
  }
  app.get<{ Params: PreheatParams }>(`${PREHEATS_PATH}/:id`, { schema: showing, config: viewing }, async ({ params }) =>
    findPreheat(preheats, params.id),
  )

  const ending = {
    summary: 'Ends a job; what nodes have of it stays',
    tags,
    params: PreheatParams,
    response: answers({ 204: noBody('it is cancelled') }, ['PREHEAT_UNKNOWN', 'STORE_FAILED']),
  }
  app.delete<{ Params: PreheatParams }>(
    `${PREHEATS_PATH}/:id`,
    { schema: ending, config: changing },
    async ({ params }, reply) => {
      const isEnded = await preheats.cancel(preheatIdOf(params.id))
      if (!isEnded) throw new DamselflyError('PREHEAT_UNKNOWN', 'it is over, or there was none')
      return reply.code(204).send()
    },
  )

  const watching = {
    summary: 'A job as it goes on, as server-sent events',
    description: `The data of each event "preheat" is the job, first as it is now; the stream ends with the job, at the id "${LAST_ID}".`,
    tags,
    params: PreheatParams,
    response: answers(
      {
        200: textAnswer('the events', 'text/event-stream'),
        204: noBody(`the job is over, and Last-Event-ID is "${LAST_ID}": there is nothing to come`),
      },
      ['PREHEAT_UNKNOWN'],
    ),
  }
  app.get<{ Params: PreheatParams }>(
    `${PREHEATS_PATH}/:id/events`,
    { schema: watching, config: viewing, exposeHeadRoute: false },
    async ({ params, headers }, reply) => {
      const { id, endedAt } = findPreheat(preheats, params.id)
      // What browsers want, which ask again whenever a stream ends (HTML standard, "Server-sent events").
      if (endedAt !== null && headers['last-event-id'] === LAST_ID) return reply.code(204).send()
      const events = (signal: AbortSignal) => eventsOf(preheats.watch(id, { signal }))
      try {
        await answerWithEvents(reply.hijack().raw, events, { clock })
      } catch (error) {
        logger.error({ error, preheat: id }, 'the events of a preheat job broke off')
      }
      return reply
    },
  )
}

/** @throws DamselflyError REQUEST_INVALID */
function checkWanted({ image, files }: PreheatRequest): void {
  if ((image === undefined) !== (files === undefined)) return
  throw new DamselflyError('REQUEST_INVALID', 'a job is for either "image" or "files"')
}

async function* eventsOf(jobs: AsyncIterable<PreheatJob>): AsyncGenerator<ServerSentEvent> {
  let changes = 0
  for await (const job of jobs) {
    yield { id: job.endedAt === null ? String(++changes) : LAST_ID, event: 'preheat', data: job }
  }
}
