import { type Static, Type } from 'typebox'
import { createPartCheck } from './checked-preheat.ts'
import { withField, withoutNulls } from './go-json.ts'
import { type EndpointQuery, EventText, MAX_EVENTS, preheatsOfPushes, type WantedPreheats } from './wanted-preheats.ts'

/** A webhook of Harbor, in its own form or as CloudEvents (contracts §4.5). What a push is comes in the data; others have other data. */
export const HarborWebhook = Type.Object({
  type: Type.String({ maxLength: 256, description: 'PUSH_ARTIFACT or harbor.artifact.pushed; others have no effect' }),
  event_data: Type.Optional(Type.Unknown({ description: "of Harbor's own form" })),
  data: Type.Optional(Type.Unknown({ description: 'the same, of CloudEvents' })),
})
export type HarborWebhook = Static<typeof HarborWebhook>

const PushedArtifact = Type.Object({
  resources: Type.Array(Type.Object({ digest: EventText, tag: EventText, resource_url: EventText }), {
    maxItems: MAX_EVENTS,
  }),
  repository: Type.Object({ repo_full_name: Type.String({ maxLength: 1024 }) }),
})

/** Where the data of a push is, by its type. */
const PUSHES: ReadonlyMap<string, 'event_data' | 'data'> = new Map([
  ['PUSH_ARTIFACT', 'event_data'],
  ['harbor.artifact.pushed', 'data'],
])

const CHECKS = {
  event_data: createPartCheck('body/event_data', PushedArtifact),
  data: createPartCheck('body/data', PushedArtifact),
}

/**
 * The jobs for an artifact that was pushed. Harbor writes the digest in place of the tag where there is none.
 * @throws DamselflyError REQUEST_INVALID for a push whose data is not as Harbor's
 */
export function preheatsOfWebhook(webhook: HarborWebhook, query: EndpointQuery): WantedPreheats {
  const place = PUSHES.get(webhook.type)
  if (place === undefined) return { requests: [], ignored: 1 }
  const { resources, repository } = CHECKS[place](plainData(webhook[place]))
  const pushes = resources.map(({ resource_url = '', tag = '', digest = '' }) => ({
    registry: resource_url.split('/', 1)[0] || undefined,
    repository: repository.repo_full_name,
    tag,
    digest,
  }))
  return { requests: preheatsOfPushes(pushes, query), ignored: 0 }
}

function plainData(data: unknown): unknown {
  return withField(withoutNulls(data), 'resources', resources =>
    Array.isArray(resources) ? resources.map(withoutNulls) : resources,
  )
}
