import { type Static, Type } from 'typebox'
import { DamselflyError } from '../../protocol/errors.ts'
import { TextField } from '../../protocol/messages/fields.ts'
import type { PreheatRequest } from '../../protocol/messages/preheat-api.ts'
import { checkedPreheat, imageNamed } from './checked-preheat.ts'

/** Most events, or resources of an event, in one body. Registries send one. */
export const MAX_EVENTS = 100

/** What the URL says to which events are sent, since the events themselves cannot. */
export const EndpointQuery = Type.Object(
  {
    registry: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 256,
        description: 'host[:port] by which the registry is known here; that of the event by default',
      }),
    ),
    scope: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16_384,
        description: 'who shall have what is pushed, as in POST /v1/preheats',
      }),
    ),
  },
  { additionalProperties: false },
)
export type EndpointQuery = Static<typeof EndpointQuery>

/** What becomes of a body of events. */
export interface WantedPreheats {
  readonly requests: readonly PreheatRequest[]
  /** Events for which there is nothing to do. */
  readonly ignored: number
}

/** An image that was pushed. */
export interface PushedImage {
  /** `host[:port]` by which the event knows it; undefined when it says none. */
  readonly registry: string | undefined
  readonly repository: string
  readonly tag: string
  /** Empty when the event has none. */
  readonly digest: string
}

/**
 * The jobs for images that were pushed, each once, by their digests: a tag may mean something else by now.
 * @throws DamselflyError REQUEST_INVALID for an image that cannot be one
 */
export function preheatsOfPushes(pushes: readonly PushedImage[], { registry, scope }: EndpointQuery): PreheatRequest[] {
  const images = pushes.map(push => {
    const host = registry ?? push.registry
    if (host === undefined) {
      const how = 'add ?registry=HOST to the URL to which events are sent'
      throw new DamselflyError('REQUEST_INVALID', `the event does not say which registry it is from; ${how}`)
    }
    return imageNamed(host, push.repository, push.digest === '' ? push.tag : push.digest)
  })
  return [...new Set(images)].map(image => checkedPreheat({ image, ...(scope !== undefined && { scope }) }))
}

/** Text of an event. */
export const EventText = Type.Optional(TextField)
