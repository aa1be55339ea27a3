import { type Static, Type } from 'typebox'
import { PeerIdField, SizeField, TaskIdField } from './fields.ts'
import { RegisteredSource } from './registration.ts'

/** Why bytes of a task were read from its origin by the node itself, instead of from the swarm. */
export const OriginReason = Type.Object({
  why: Type.Union([
    Type.Literal('no-supernode'),
    Type.Literal('not-registered'),
    Type.Literal('swarm-silent'),
    Type.Literal('download-failed'),
    Type.Literal('p2p-off'),
  ]),
  /** The error that led to it, from the error table, where there was one. */
  code: Type.Optional(Type.String({ maxLength: 64 })),
})
export type OriginReason = Static<typeof OriginReason>

/** Where the bytes of a task came from, in bytes, since the dfdaemon started. */
export const TaskAccount = Type.Object({
  /** Blocks that were in the store already. */
  diskBytes: SizeField,
  peerBytes: SizeField,
  supernodeBytes: SizeField,
  originBytes: SizeField,
  /** Each reason once; empty where nothing came from the origin. */
  originReasons: Type.Array(OriginReason),
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

/** One request for content that a dfdaemon answered, or is answering. */
export const Pull = Type.Object({
  /** Counts from 1 since the dfdaemon started. */
  id: Type.Integer({ minimum: 1 }),
  /** Milliseconds since 1970. */
  startedAt: Type.Integer({ minimum: 0 }),
  /** Until its end, or until now. */
  durationMs: Type.Number({ minimum: 0 }),
  /** `cut-short`: the client hung up. `failed`: the client got an error, or not all. */
  state: Type.Union([
    Type.Literal('running'),
    Type.Literal('complete'),
    Type.Literal('cut-short'),
    Type.Literal('failed'),
  ]),
  /** The URL at the origin, without its query. */
  url: Type.String(),
  /** The registry's name in image references; null for plain files. */
  registry: Type.Union([Type.String(), Type.Null()]),
  /** Null for plain files. */
  repository: Type.Union([Type.String(), Type.Null()]),
  /** Null while no task is known, and for content that is not stored here. */
  task: Type.Union([TaskIdField, Type.Null()]),
  /** Length of the whole content; null while the origin has not said it. */
  sizeBytes: Type.Union([SizeField, Type.Null()]),
  /** Where the bytes that this request read came from; `diskBytes` were here before it came. */
  account: TaskAccount,
  /** Why it failed, from the error table. */
  errorCode: Type.Union([Type.String(), Type.Null()]),
  /** The client's `User-Agent`. */
  client: Type.Union([Type.String(), Type.Null()]),
})
export type Pull = Static<typeof Pull>

/** `GET /v1/pulls` of a dfdaemon: the newest first. */
export const Pulls = Type.Array(Pull)
export type Pulls = Static<typeof Pulls>

/** `GET /api/v1/node` of a dfdaemon: who it is, and with which settings it runs. */
export const NodeStatus = Type.Object({
  version: Type.String({ maxLength: 256 }),
  peerId: PeerIdField,
  /** Multiaddrs under which it tells others to reach it. */
  addresses: Type.Array(Type.String({ maxLength: 256 })),
  /** URL of its supernode, without an account; empty where it has none. */
  supernode: Type.String(),
  /** Absolute path. */
  dataDir: Type.String(),
})
export type NodeStatus = Static<typeof NodeStatus>

/** `GET /api/v1/store` of a dfdaemon: how full its store is, and with what. */
export const StoreStatus = Type.Object({
  space: Type.Object({
    tasks: Type.Integer({ minimum: 0 }),
    storedBytes: SizeField,
    /** Stored bytes, and those for which room is promised. */
    claimedBytes: SizeField,
    pinnedBytes: SizeField,
    /** What it may hold at most, as the disk is now. */
    capacityBytes: Type.Union([SizeField, Type.Null()]),
  }),
  tasks: Type.Array(
    Type.Object({
      id: TaskIdField,
      /** Null while the origin has not said how long the content is. */
      sizeBytes: Type.Union([SizeField, Type.Null()]),
      storedBytes: SizeField,
      complete: Type.Boolean(),
      pinned: Type.Boolean(),
      /** When it was last opened, in milliseconds since 1970. */
      usedAt: Type.Number(),
    }),
  ),
})
export type StoreStatus = Static<typeof StoreStatus>

/** `POST /api/v1/store/tasks/{id}/verify`: the blocks that were wrong, and are not held any more. */
export const StoreDamage = Type.Object({ damagedBlocks: Type.Array(Type.Integer({ minimum: 0 })) })
export type StoreDamage = Static<typeof StoreDamage>

/** `POST /api/v1/store/gc`: the tasks that were deleted. */
export const StoreSweep = Type.Object({ removed: Type.Array(TaskIdField) })
export type StoreSweep = Static<typeof StoreSweep>

/** `POST /api/v1/content` of a dfdaemon: content for a program of its node. The answer is the content, whole or the `Range` of it. */
export const ContentWish = Type.Object(
  {
    source: RegisteredSource,
    /** Nobody but the supernode may read the origin. */
    swarmOnly: Type.Optional(Type.Boolean()),
    /** Gives way to other downloads. */
    background: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
)
export type ContentWish = Static<typeof ContentWish>

/** What a dfdaemon answers when it cannot give content. */
export const ContentRefusal = Type.Object({
  /** From the error table. */
  code: Type.String(),
  /** What happened, and what to do about it. */
  message: Type.String(),
  /** What the origin answered, if it did. */
  originStatus: Type.Optional(Type.Integer()),
  /** Why there was no connection to the origin, as the system or the HTTP client calls it: `ENOTFOUND`. */
  connectionCode: Type.Optional(Type.String()),
  /** When the origin wants to be asked again: its `Retry-After`. */
  retryAfter: Type.Optional(Type.String()),
})
export type ContentRefusal = Static<typeof ContentRefusal>
