import { type Static, Type } from 'typebox'
import { MANIFEST_TYPES } from '../../protocol/image-manifest.ts'
import { registryOfUrl } from './checked-preheat.ts'
import { withField, withLowerKeys } from './go-json.ts'
import { type EndpointQuery, EventText, MAX_EVENTS, preheatsOfPushes, type WantedPreheats } from './wanted-preheats.ts'

/**
 * What a registry of the distribution project tells (its "Notifications", contracts §5), and Harbor's driver for Kraken (contracts §4.3): keys in
 * lower case, without nulls. Whatever else is in it has no effect.
 */
export const RegistryEvents = Type.Object({
  events: Type.Array(
    Type.Object({
      action: EventText,
      target: Type.Optional(
        Type.Object({
          mediatype: EventText,
          digest: EventText,
          repository: EventText,
          url: Type.Optional(Type.String({ maxLength: 8192 })),
          tag: EventText,
        }),
      ),
    }),
    { maxItems: MAX_EVENTS },
  ),
})
export type RegistryEvents = Static<typeof RegistryEvents>
type RegistryEvent = RegistryEvents['events'][number]

/** A body of events with keys in lower case: Kraken's begin with capitals. */
export function plainEvents(body: unknown): unknown {
  return withField(withLowerKeys(body), 'events', events =>
    Array.isArray(events) ? events.map(event => withField(withLowerKeys(event), 'target', withLowerKeys)) : events,
  )
}

/**
 * The jobs for what was pushed with a tag. Manifests without one are parts of an index, whose own event comes after them; blobs and what was
 * pulled, mounted or deleted is no image that anybody is going to pull.
 * @throws DamselflyError REQUEST_INVALID for an image that cannot be one
 */
export function preheatsOfEvents({ events }: RegistryEvents, query: EndpointQuery): WantedPreheats {
  const pushes = events.filter(isTaggedPush).map(({ target = {} }) => ({
    registry: registryOfUrl(target.url ?? ''),
    repository: target.repository ?? '',
    tag: target.tag ?? '',
    digest: target.digest ?? '',
  }))
  return { requests: preheatsOfPushes(pushes, query), ignored: events.length - pushes.length }
}

function isTaggedPush({ action, target: { tag = '', mediatype = '' } = {} }: RegistryEvent): boolean {
  return action === 'push' && tag !== '' && MANIFEST_TYPES.includes(mediatype)
}
