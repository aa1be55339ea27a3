import { type Static, type TInteger, Type } from 'typebox'
import { isBlockSize } from '../block-size.ts'
import { type Digest, isDigest } from '../digest.ts'
import { isTaskId, type TaskId } from '../task.ts'

const MAX_TEXT = 1024
const MAX_BLOCKS_PER_MESSAGE = 16_384

/** A {@link TimeField} of which something is to be said. */
export function timeField(description: string): TInteger {
  return Type.Integer({ minimum: 0, maximum: 8.64e15, description })
}

/**
 * The key of a record, whatever it is. `Type.Record(Type.String(), …)` would look at the values of those keys only in which there is no
 * line break, and at no length.
 */
export const KeyField = Type.String({ pattern: '^[\\s\\S]*$' })

export const BytesField = Type.Refine(Type.Unsafe<Uint8Array>({}), value => value instanceof Uint8Array)
export const TaskIdField = Type.Refine(Type.Unsafe<TaskId>(Type.String({ maxLength: 140 })), isTaskId)
export const DigestField = Type.Refine(Type.Unsafe<Digest>(Type.String({ maxLength: 140 })), isDigest)
export const BlockIndexField = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })
export const BlockIndicesField = Type.Array(BlockIndexField, { maxItems: MAX_BLOCKS_PER_MESSAGE })
export const SizeField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
/** Milliseconds since 1970, of which a date can be made (ECMA-262 §21.4.1.1). */
export const TimeField = timeField('milliseconds since 1970')
export const BlockSizeField = Type.Refine(Type.Integer(), isBlockSize)
export const TextField = Type.String({ maxLength: MAX_TEXT })
export const PeerIdField = Type.String({ minLength: 1, maxLength: 128, pattern: '^[1-9A-HJ-NP-Za-km-z]+$' })
export const AddressesField = Type.Array(Type.String({ maxLength: 256 }), { maxItems: 16 })

/** How a peer can be reached: its libp2p PeerId in base58 and its multiaddrs. */
export const PeerAddressField = Type.Object(
  { id: PeerIdField, addresses: AddressesField },
  { additionalProperties: false },
)
export type PeerAddress = Static<typeof PeerAddressField>

/** Most labels of a peer. */
export const MAX_LABELS = 32
/** Longest value of a label, in characters. */
export const MAX_LABEL_VALUE = 256
/** What a label may be called: as in Kubernetes, in lower case, and with slashes anywhere inside. */
export const LABEL_KEY = '^[a-z0-9]([a-z0-9._/-]{0,62}[a-z0-9])?$'

/**
 * What an operator says of a node, in his own words. `zone`, `idc` and `rack` say where it stands, for locality. Others are looked up with
 * `Object.hasOwn`: a label may be called `constructor`.
 */
export const LabelsField = Type.Record(
  Type.String({ pattern: LABEL_KEY }),
  Type.String({ maxLength: MAX_LABEL_VALUE }),
  { additionalProperties: false, maxProperties: MAX_LABELS },
)
export type Labels = Readonly<Static<typeof LabelsField>>

/** A peer that gets no connection, until then (milliseconds since 1970). A moment that has passed lifts what was said before. */
export const ExpulsionField = Type.Object({ id: PeerIdField, until: SizeField }, { additionalProperties: false })
export type Expulsion = Static<typeof ExpulsionField>
