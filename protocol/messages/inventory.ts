import { type Static, Type } from 'typebox'
import { createMessageCodec, message } from './codec.ts'
import { BlockIndicesField, BytesField, TaskIdField, TextField } from './fields.ts'

/** Messages between two neighbours on the inventory stream. Both ends send them; the stream serves all tasks of the pair. */
export const InventoryMessage = Type.Union([
  /** This end is in the task's swarm, proved by its ticket, and holds the blocks of the bitfield. */
  message('join', { task: TaskIdField, ticket: TextField, have: BytesField }),
  /** Answer of a holder that wants nothing itself and therefore has no ticket to show. */
  message('offer', { task: TaskIdField, have: BytesField }),
  message('have', { task: TaskIdField, blocks: BlockIndicesField }),
  message('lost', { task: TaskIdField, blocks: BlockIndicesField }),
  message('leave', { task: TaskIdField }),
])
export type InventoryMessage = Static<typeof InventoryMessage>

export const inventoryCodec = createMessageCodec(InventoryMessage)
