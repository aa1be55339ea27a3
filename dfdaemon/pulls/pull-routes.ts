import type { FastifyInstance } from 'fastify'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from '../../protocol/errors.ts'
import type { PullLog } from './pull-log.ts'

const Query = Compile(
  Type.Object(
    {
      task: Type.Optional(Type.String({ maxLength: 256 })),
      registry: Type.Optional(Type.String({ maxLength: 256 })),
      repository: Type.Optional(Type.String({ maxLength: 256 })),
      limit: Type.Optional(Type.String({ pattern: '^[1-9]\\d{0,5}$' })),
    },
    { additionalProperties: false },
  ),
)

/** `GET /v1/pulls?task=&registry=&repository=&limit=`: what was pulled through this dfdaemon, the newest first. */
export function addPullRoutes(app: FastifyInstance, pulls: PullLog): void {
  app.get('/v1/pulls', async ({ query }) => {
    if (!Query.Check(query)) {
      throw new DamselflyError('REQUEST_INVALID', 'expected ?task=&registry=&repository=&limit=, each once at most')
    }
    const { limit, ...filter } = query
    return pulls.list({ ...filter, ...(limit === undefined ? {} : { limit: Number(limit) }) })
  })
}
