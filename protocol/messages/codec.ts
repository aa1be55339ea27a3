import { decode, encode } from 'cborg'
import { type Static, type TSchema, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { DamselflyError } from '../errors.ts'

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

/** A message that carries a type and refuses unknown fields. */
export function message<const Name extends string, Fields extends Record<string, TSchema>>(name: Name, fields: Fields) {
  return Type.Object({ type: Type.Literal(name), ...fields }, { additionalProperties: false })
}
