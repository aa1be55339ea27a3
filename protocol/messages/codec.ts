import { decode, encode } from 'cborg'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { isBlockSize } from '../block-size.ts'
import { type Digest, isDigest } from '../digest.ts'
import { DamselflyError } from '../errors.ts'
import { isTaskId, type TaskId } from '../task.ts'

/** Turns messages of one schema into bytes and back. */
export interface MessageCodec<Message> {
  encode(message: Message): Uint8Array
  /** @throws DamselflyError MESSAGE_INVALID */
  decode(bytes: Uint8Array): Message
}

/** A codec for CBOR (RFC 8949) messages that match a schema. */
export function createMessageCodec<Schema extends TSchema>(schema: Schema): MessageCodec<Static<Schema>> {
  const compiled = Compile(schema)
  return {
    encode: message => encode(message),
    decode(bytes) {
      let value: unknown
      try {
        value = decode(bytes, { strict: true, rejectDuplicateMapKeys: true, allowUndefined: false })
      } catch (error) {
        throw new DamselflyError('MESSAGE_INVALID', 'not CBOR', { cause: error })
      }
      if (!compiled.Check(value))
        throw new DamselflyError('MESSAGE_INVALID', 'a field is missing, unknown or out of range')
      return value as Static<Schema>
    },
  }
}

const MAX_TEXT = 1024
const MAX_BLOCKS_PER_MESSAGE = 16_384

/** A message that carries a type and refuses unknown fields. */
export function message<const Name extends string, Fields extends Record<string, TSchema>>(name: Name, fields: Fields) {
  return Type.Object({ type: Type.Literal(name), ...fields }, { additionalProperties: false })
}

export const BytesField = Type.Refine(Type.Unsafe<Uint8Array>({}), value => value instanceof Uint8Array)
export const TaskIdField = Type.Refine(Type.Unsafe<TaskId>(Type.String({ maxLength: 140 })), isTaskId)
export const DigestField = Type.Refine(Type.Unsafe<Digest>(Type.String({ maxLength: 140 })), isDigest)
export const BlockIndexField = Type.Integer({ minimum: 0, maximum: 2 ** 31 - 1 })
export const BlockIndicesField = Type.Array(BlockIndexField, { maxItems: MAX_BLOCKS_PER_MESSAGE })
export const SizeField = Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
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

/** Where a peer stands, for locality. Operators choose the words. */
export const LabelsField = Type.Object(
  { zone: Type.Optional(TextField), idc: Type.Optional(TextField), rack: Type.Optional(TextField) },
  { additionalProperties: false },
)
export type Labels = Static<typeof LabelsField>
