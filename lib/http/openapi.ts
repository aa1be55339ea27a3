import swagger from '@fastify/swagger'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { Type } from 'typebox'
import { VERSION } from '../version.ts'
import { answers, jsonAnswer } from './answers.ts'

/** How an API introduces itself. */
export interface ApiDescription {
  readonly title: string
  readonly description: string
  /** Prefixes under which it is served, where there are others than `/`. */
  readonly servers?: readonly ApiServerPrefix[]
}

/** A prefix of all paths, in the form of the OpenAPI "Server Object". */
export interface ApiServerPrefix {
  readonly url: string
  readonly description: string
  readonly variables?: Record<string, { readonly default: string; readonly description: string }>
}

/**
 * `GET /openapi.json`: the API in the form of OpenAPI 3.1, made from the schemas of the routes that are added from now on. A route
 * that does not say what it answers is refused; `schema: { hide: true }` is for those that are no part of the API.
 */
export async function addOpenApi(
  app: FastifyInstance,
  { title, description, servers = [] }: ApiDescription,
): Promise<void> {
  app.addHook('onRoute', requireAnswers)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title, description, version: VERSION, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
      servers: [{ url: '/' }, ...servers],
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'of the form `dmsl_ID_SECRET`' } },
      },
    },
    transform: ({ schema, url, route }) => ({ schema: { ...schema, ...accessOf(route) }, url }),
    convertConstToEnum: false,
  })
  const schema = {
    summary: 'This API in the form of OpenAPI',
    tags: ['program'],
    response: answers({ 200: jsonAnswer('an OpenAPI 3.1 document', Type.Object({})) }),
  }
  app.get('/openapi.json', { schema, config: { access: 'public' } }, async () => app.swagger())
}

/** Who may use a route, for programs (`security`) and people (`x-roles`). */
function accessOf({ config }: RouteOptions): object {
  const { access = 'public' } = config ?? {}
  if (access === 'public') return { security: [], 'x-roles': ['public'] }
  return { security: [{ token: [] }], 'x-roles': [...new Set([...access, 'operator'])] }
}

function requireAnswers({ method, url, schema }: RouteOptions): void {
  const { hide = false, response } = (schema ?? {}) as { hide?: boolean; response?: unknown }
  if (hide || response !== undefined) return
  throw new Error(`${method} ${url} has no schema of its answers`)
}
