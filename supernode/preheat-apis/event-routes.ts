import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Static, Type } from 'typebox'
import { answers, jsonAnswer, textAnswer } from '../../lib/http/answers.ts'
import { MAX_PREHEAT_BODY_BYTES } from '../../protocol/messages/preheat-api.ts'
import type { Preheats, StartedPreheat } from '../preheat/preheats.ts'
import { plainBody } from './go-json.ts'
import { HarborWebhook, preheatsOfWebhook } from './harbor-webhook.ts'
import { PREHEAT_REFUSALS } from './refusals.ts'
import { plainEvents, preheatsOfEvents, RegistryEvents } from './registry-events.ts'
import { EndpointQuery, type WantedPreheats } from './wanted-preheats.ts'

const Jobs = Type.Array(Type.Integer({ minimum: 1 }))
const EventsAnswer = Type.Object({
  started: Jobs,
  underWay: Jobs,
  ignored: Type.Integer({ minimum: 0, description: 'events for which there is nothing to do' }),
})
type EventsAnswer = Static<typeof EventsAnswer>

const ABOUT =
  'Starts a job for each image that was pushed, unless one is under way or was a short while ago. What else happened is answered with 200, too, so that it is not sent again.'

/** Senders tell of each pull and each layer, too, so only what starts a job is a line of the audit log. */
const config = { access: ['operator'], audit: 'changes' } as const
const options = { config, bodyLimit: MAX_PREHEAT_BODY_BYTES }

/** Where registries, Harbor's driver for Kraken and Harbor's webhooks tell what was pushed. */
export function addEventRoutes(app: FastifyInstance, { preheats }: { readonly preheats: Preheats }): void {
  const tags = ['events']
  const response = answers({ 200: jsonAnswer('the jobs', EventsAnswer) }, PREHEAT_REFUSALS)

  const health = { summary: 'The same as /_ping, for Kraken', tags, response: answers({ 200: textAnswer('`OK`') }) }
  app.get('/health', { schema: health, config: { access: 'public', unlimited: true } }, async () => 'OK')

  for (const [path, summary] of [
    ['/events', 'Notifications of a registry'],
    ['/registry/notifications', 'The same, where Kraken has it'],
  ] as const) {
    const told = { summary, description: ABOUT, tags, querystring: EndpointQuery, body: RegistryEvents, response }
    app.post<{ Querystring: EndpointQuery; Body: RegistryEvents }>(
      path,
      { ...options, schema: told, preValidation: plainBody(plainEvents) },
      request => startAll(preheats, preheatsOfEvents(request.body, request.query), request),
    )
  }

  const webhook = {
    summary: 'Webhooks of Harbor, in its own form or as CloudEvents',
    description: ABOUT,
    tags,
    querystring: EndpointQuery,
    body: HarborWebhook,
    response,
  }
  app.post<{ Querystring: EndpointQuery; Body: HarborWebhook }>(
    '/harbor/webhooks',
    { ...options, schema: webhook },
    request => startAll(preheats, preheatsOfWebhook(request.body, request.query), request),
  )
}

/** One that cannot be started is no reason not to start the others. @throws the first failure, when all have been tried */
async function startAll(
  preheats: Preheats,
  { requests, ignored }: WantedPreheats,
  request: FastifyRequest,
): Promise<EventsAnswer> {
  const jobs: StartedPreheat[] = []
  const failures: unknown[] = []
  for (const wanted of requests) {
    try {
      jobs.push(await preheats.start(wanted, { isEvent: true }))
    } catch (error) {
      failures.push(error)
    }
  }
  const idsOf = (isNew: boolean) => jobs.filter(started => started.isNew === isNew).map(({ job }) => job.id)
  const started = idsOf(true)
  request.auditTarget = started.join(' ')
  if (failures.length > 0) throw failures[0]
  return { started, underWay: idsOf(false), ignored }
}
