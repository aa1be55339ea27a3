import { type Static, Type } from 'typebox'
import { SizeField, TaskIdField } from './codec.ts'

/** Where the bytes of a task came from, in bytes, since the dfdaemon started. */
export const TaskAccount = Type.Object({
  /** Blocks that were in the store already. */
  diskBytes: SizeField,
  peerBytes: SizeField,
  supernodeBytes: SizeField,
  originBytes: SizeField,
})
export type TaskAccount = Static<typeof TaskAccount>

/** A task as a dfdaemon sees it. */
export const DaemonTask = Type.Object({
  id: TaskIdField,
  state: Type.Union([Type.Literal('downloading'), Type.Literal('complete'), Type.Literal('partial')]),
  /** Null while the origin has not said how long the content is. */
  sizeBytes: Type.Union([SizeField, Type.Null()]),
  storedBytes: SizeField,
  account: TaskAccount,
})
export type DaemonTask = Static<typeof DaemonTask>

/** `GET /api/v1/tasks` of a dfdaemon: what its node holds or is downloading. */
export const DaemonTasks = Type.Array(DaemonTask)
export type DaemonTasks = Static<typeof DaemonTasks>
