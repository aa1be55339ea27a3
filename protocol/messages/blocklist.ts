import { type Static, Type } from 'typebox'
import { TaskIdField, TimeField } from './fields.ts'

const ReasonField = Type.String({ maxLength: 500, description: 'for people; those who are refused see it' })

/** A PeerId of an Ed25519 key, as all nodes have it. */
const NodeIdField = Type.String({ pattern: '^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$' })

/** What may be blocked. */
export const BlockedId = Type.Union([TaskIdField, NodeIdField])

/** `PUT /api/v1/blocklist/:id`. */
export const BlockRequest = Type.Object({ reason: Type.Optional(ReasonField) }, { additionalProperties: false })
export type BlockRequest = Static<typeof BlockRequest>

/** A peer that may not take part, or content that may not be distributed. */
export const BlockedEntry = Type.Object({
  id: BlockedId,
  kind: Type.Union([Type.Literal('task'), Type.Literal('peer')]),
  reason: ReasonField,
  by: Type.String({ description: 'who ordered it' }),
  at: TimeField,
})
export type BlockedEntry = Static<typeof BlockedEntry>
