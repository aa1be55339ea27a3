import type { FastifyInstance } from 'fastify'
import { type Static, Type } from 'typebox'
import { requireNamed, seesNamedOnly } from '../../lib/http/access/require-named.ts'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { type Pull, Pulls } from '../../protocol/messages/daemon-api.ts'
import type { PullLog } from './pull-log.ts'

const PullQuery = Type.Object(
  {
    id: Type.Optional(Type.Integer({ minimum: 1, description: 'the one of this number' })),
    task: Type.Optional(Type.String({ maxLength: 256, description: 'id of the task that was pulled' })),
    registry: Type.Optional(Type.String({ maxLength: 256 })),
    repository: Type.Optional(Type.String({ maxLength: 256 })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999, description: 'how many at most' })),
  },
  { additionalProperties: false },
)
type PullQuery = Static<typeof PullQuery>

/**
 * `GET /v1/pulls?task=&registry=&repository=&limit=`: what was pulled through this dfdaemon, the newest first. Programs of the machine
 * see how one pull goes, by its number, but not of what it is, since numbers can be guessed.
 */
export function addPullRoutes(app: FastifyInstance, pulls: PullLog): void {
  const schema = {
    summary: 'What was pulled through this dfdaemon, the newest first',
    tags: ['pulls'],
    querystring: PullQuery,
    response: answers({ 200: jsonAnswer('all that are remembered and asked for', Pulls) }, ['REQUEST_INVALID']),
  }
  const config = { access: ['viewer', 'local'] } as const
  app.get<{ Querystring: PullQuery }>('/v1/pulls', { schema, config }, async ({ identity, query }) => {
    requireNamed(identity, query.id)
    const found = pulls.list(query)
    return seesNamedOnly(identity) ? found.map(withoutSubject) : found
  })
}

function withoutSubject(pull: Pull): Pull {
  return { ...pull, url: '', registry: null, repository: null, task: null, client: null }
}
