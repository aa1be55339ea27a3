import type { FastifyInstance } from 'fastify'
import { answers, jsonAnswer } from '../../lib/http/answers.ts'
import { toTableError } from '../../lib/http/api-server.ts'
import { connectionCode } from '../../lib/origin/connection-error.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { ContentRefusal, ContentWish } from '../../protocol/messages/daemon-api.ts'
import { MAX_REGISTRATION_BYTES } from '../../protocol/messages/registration.ts'
import { formatUnsatisfiedRange } from '../../protocol/range.ts'
import { UnsatisfiedRange } from '../proxy/content.ts'
import { type GiveContentComponents, giveContent } from '../proxy/give-content.ts'

/** Answers of an origin, and what keeps it from being asked, by status. */
const REFUSALS = [
  [400, 'the request is malformed'],
  [401, 'the origin wants credentials'],
  [403, 'the origin does not let the caller read this'],
  [404, 'the origin has no such content'],
  [416, 'the content has no such range'],
  [429, 'the origin has had too many requests'],
  [502, 'the origin failed, or could not be reached'],
  [503, 'neither the swarm nor, where it may be read, the origin gives the content'],
] as const

/**
 * `POST /api/v1/content`: any content for a program of this machine, such as dfget, with its own authority at the origin. Ranges and the
 * header that tells where bytes come from are those of a pull.
 */
export function addContentRoute(app: FastifyInstance, components: GiveContentComponents): void {
  const bytes = (description: string) => ({
    description,
    content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } },
  })
  app.post<{ Body: ContentWish }>(
    '/api/v1/content',
    {
      bodyLimit: MAX_REGISTRATION_BYTES,
      // Each is a download of its own, as those of the mirror are.
      config: { access: ['local'], audit: 'refusals', unlimited: true },
      schema: {
        summary: 'Content of a URL for a program of this machine',
        tags: ['content'],
        body: ContentWish,
        response: answers({
          200: bytes('all of it'),
          206: bytes('the range that was asked for'),
          ...Object.fromEntries(
            REFUSALS.map(([status, description]) => [status, jsonAnswer(description, ContentRefusal)]),
          ),
        }),
      },
    },
    async (request, reply) => {
      const { source, swarmOnly, background } = request.body
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort(new Error('the client hung up')))
      try {
        await giveContent(components, {
          source: { ...source, swarmOnly },
          subject: { registry: null, repository: null, client: request.headers['user-agent'] ?? null },
          range: request.headers.range,
          p2p: true,
          background,
          begin: (status, fields) => reply.hijack().raw.writeHead(status, fields),
          signal: gone.signal,
        })
      } catch (error) {
        if (reply.sent || gone.signal.aborted) return reply
        if (error instanceof UnsatisfiedRange) reply.header('content-range', formatUnsatisfiedRange(error.sizeBytes))
        return reply.code(toTableError(error).status).send(refusalOf(error))
      }
      return reply
    },
  )
}

function refusalOf(thrown: unknown): ContentRefusal {
  const { code, message, cause } = toTableError(thrown)
  const connection = connectionCode(cause)
  if (!(thrown instanceof OriginError)) {
    return { code, message, ...(connection === '' ? {} : { connectionCode: connection }) }
  }
  const { originStatus, originHeaders } = thrown
  const retryAfter = originHeaders?.['retry-after']
  return {
    code,
    message,
    ...(originStatus === undefined ? {} : { originStatus }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  }
}
