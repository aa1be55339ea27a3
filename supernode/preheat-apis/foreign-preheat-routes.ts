import type { FastifyInstance } from 'fastify'
import type { Preheats } from '../preheat/preheats.ts'
import { addDragonflyV1Routes } from './dragonfly-v1-routes.ts'
import { addDragonflyV2Routes } from './dragonfly-v2-routes.ts'
import { addEventRoutes } from './event-routes.ts'

/** JSON by its other names (contracts §4.5, §5). */
const JSON_TYPES = [
  'application/vnd.docker.distribution.events.v1+json',
  'application/vnd.docker.distribution.events.v2+json',
  'application/cloudevents+json',
]

/**
 * The APIs by which others' tools start preheat jobs, as they would at Dragonfly or Kraken (docs/decisions/0034-preheat-apis.md): whoever reads is a
 * viewer, whoever starts jobs an operator.
 */
export function addForeignPreheatRoutes(app: FastifyInstance, components: { readonly preheats: Preheats }): void {
  // A scope of its own: these types are for no other route.
  app.register(async scope => {
    scope.addContentTypeParser(JSON_TYPES, { parseAs: 'string' }, scope.getDefaultJsonParser('error', 'error'))
    addDragonflyV2Routes(scope, components)
    addDragonflyV1Routes(scope, components)
    addEventRoutes(scope, components)
  })
}
