import { type Static, Type } from 'typebox'
import { createMessageCodec, message } from './codec.ts'
import { BlockIndexField, TaskIdField, TextField } from './fields.ts'

const RequestId = Type.Integer({ minimum: 0, maximum: 2 ** 32 - 1 })

/** How many blocks one request may ask for. */
export const MAX_RUN_BLOCKS = 256

/** Messages from the peer that asks for blocks. Request ids are its own and not reused on a stream while in use. */
export const BlockRequest = Type.Union([
  /** Shows the ticket of a task, once before the first request for it. */
  message('open', { task: TaskIdField, ticket: TextField }),
  /**
   * Asks for a run of blocks, `block` and those after it. Each is a request of its own, answered and cancelled by itself: `id` and
   * those after it.
   */
  message('get', {
    id: RequestId,
    task: TaskIdField,
    block: BlockIndexField,
    count: Type.Integer({ minimum: 1, maximum: MAX_RUN_BLOCKS }),
  }),
  /** The block is no longer wanted. A block that is on its way may still arrive. */
  message('cancel', { id: RequestId }),
])
export type BlockRequest = Static<typeof BlockRequest>

/** Why requests get no data: `count` of them, `id` and those after it. The data itself comes as a data frame with the request's id. */
export const BlockRefusal = message('refused', {
  id: RequestId,
  count: Type.Integer({ minimum: 1, maximum: MAX_RUN_BLOCKS }),
  reason: Type.Union([Type.Literal('missing'), Type.Literal('denied'), Type.Literal('busy')]),
})
export type BlockRefusal = Static<typeof BlockRefusal>

export const blockRequestCodec = createMessageCodec(BlockRequest)
export const blockRefusalCodec = createMessageCodec(BlockRefusal)
