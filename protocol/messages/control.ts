import { type Static, Type } from 'typebox'
import { createMessageCodec, message } from './codec.ts'
import {
  AddressesField,
  BlockIndexField,
  BlockIndicesField,
  BlockSizeField,
  BytesField,
  ExpulsionField,
  LabelsField,
  PeerAddressField,
  PeerIdField,
  SizeField,
  TaskIdField,
  TextField,
} from './fields.ts'
import { FetchedSource } from './registration.ts'

/** Most peers that go into one `expelled` message. */
export const EXPULSIONS_PER_MESSAGE = 1024
/** Most tasks that one message forbids or allows. */
export const FORBIDDEN_TASKS_PER_MESSAGE = 1024

/** Messages that a peer sends to the supernode on the control stream. */
export const PeerToSupernode = Type.Union([
  /**
   * First message: how other peers can reach this one, and whether it keeps replicas, and fetches content that nobody there waits for, when
   * it is asked to.
   */
  message('hello', {
    addresses: AddressesField,
    labels: LabelsField,
    agent: TextField,
    keeps: Type.Optional(Type.Boolean()),
    fetches: Type.Optional(Type.Boolean()),
    /** `os/architecture[/variant]` of its machine, so that it is known which images it can use. */
    platform: Type.Optional(TextField),
  }),
  /**
   * Wants a task; the ticket comes from the registration. `have` is a bitfield of the blocks that are here already. `background`
   * is for what nobody waits for yet; `normal` where it is missing.
   */
  message('join', {
    task: TaskIdField,
    ticket: TextField,
    have: BytesField,
    priority: Type.Optional(Type.Union([Type.Literal('normal'), Type.Literal('background')])),
  }),
  /** Holds blocks of a task from an earlier time and will serve them, without wanting more. */
  message('offer', { task: TaskIdField, have: BytesField }),
  message('leave', { task: TaskIdField }),
  /** Blocks verified and stored since the last message. */
  message('have', { task: TaskIdField, blocks: BlockIndicesField }),
  /** Blocks that were dropped. */
  message('lost', { task: TaskIdField, blocks: BlockIndicesField }),
  /** Blocks that a reader waits for and no neighbour offers. */
  message('blocked', { task: TaskIdField, blocks: BlockIndicesField }),
  /** Could take more than its neighbours have to give, these blocks for example. */
  message('hungry', { task: TaskIdField, blocks: BlockIndicesField }),
  /** Has all of a task and keeps it as a replica. Said when that is so, and again on every new stream. */
  message('kept', { task: TaskIdField }),
  /** Keeps no replica of a task, or no longer; `code` of the error table says why. */
  message('refused', { task: TaskIdField, code: TextField }),
  /** Has all of a task that it was told to `fetch`. */
  message('fetched', { task: TaskIdField }),
  /** Could not fetch a task, and does not try any longer; `code` of the error table says why. */
  message('not-fetched', { task: TaskIdField, code: TextField }),
  /** Asks for a `pong`: is the supernode alive while nothing comes? */
  message('ping', {}),
  /** What another peer did wrong. */
  message('report', {
    task: TaskIdField,
    about: PeerIdField,
    kind: Type.Union([Type.Literal('corrupt'), Type.Literal('stalled'), Type.Literal('unreachable')]),
  }),
])
export type PeerToSupernode = Static<typeof PeerToSupernode>

/** Messages that the supernode sends to a peer on the control stream. */
export const SupernodeToPeer = Type.Union([
  /** The block map from block `from` on: whole digests of 32 bytes. `sizeBytes` once it is known. */
  message('map', {
    task: TaskIdField,
    blockSizeBytes: BlockSizeField,
    from: BlockIndexField,
    digests: BytesField,
    sizeBytes: Type.Optional(SizeField),
  }),
  /** Blocks that this peer shall fetch from the supernode, so that the others can have them from this peer. */
  message('grant', { task: TaskIdField, blocks: BlockIndicesField }),
  /** Neighbours to dial for the task. */
  message('connect', { task: TaskIdField, peers: Type.Array(PeerAddressField, { maxItems: 64 }) }),
  /** Neighbours to let go. */
  message('disconnect', { task: TaskIdField, peers: Type.Array(PeerIdField, { maxItems: 64 }) }),
  /** Imported content that this peer shall fetch and keep, and say `kept` or `refused`. */
  message('keep', { task: TaskIdField }),
  /** A replica that need not be kept any more. */
  message('release', { task: TaskIdField }),
  /**
   * Content that this peer shall fetch from the swarm although nobody there waits for it, and say `fetched` or `not-fetched`. It registers
   * for the source as it stands here, without credentials. Forgotten when the stream ends.
   */
  message('fetch', { task: TaskIdField, source: FetchedSource }),
  /** Content that need not be fetched any more. There is no answer. */
  message('stop-fetch', { task: TaskIdField }),
  /** Content that an operator has blocked, and that this peer shall delete and give to nobody; all of it after a hello. */
  message('forbid', { tasks: Type.Array(TaskIdField, { maxItems: FORBIDDEN_TASKS_PER_MESSAGE }) }),
  /** Content that is blocked no longer. */
  message('allow', { tasks: Type.Array(TaskIdField, { maxItems: FORBIDDEN_TASKS_PER_MESSAGE }) }),
  message('pong', {}),
  /** Peers that no member may have a connection to. All of them after each `hello`, and then those that are new. */
  message('expelled', { peers: Type.Array(ExpulsionField, { maxItems: EXPULSIONS_PER_MESSAGE }) }),
  /** The supernode cannot go on with the task: the rest must come from neighbours or the origin. */
  message('failed', { task: TaskIdField, code: TextField }),
])
export type SupernodeToPeer = Static<typeof SupernodeToPeer>

/** Messages about replicas, which concern the whole peer. */
export type ReplicaMessage = Extract<SupernodeToPeer, { readonly type: 'keep' | 'release' }>

/** Messages about content that nobody at the peer waits for. */
export type FetchMessage = Extract<SupernodeToPeer, { readonly type: 'fetch' | 'stop-fetch' }>

/** Messages about what is blocked. */
export type BlockingMessage = Extract<SupernodeToPeer, { readonly type: 'forbid' | 'allow' }>

/** Messages about a download. */
export type TaskMessage = Exclude<
  SupernodeToPeer,
  ReplicaMessage | FetchMessage | BlockingMessage | { readonly type: 'pong' | 'expelled' }
>

export const peerToSupernodeCodec = createMessageCodec(PeerToSupernode)
export const supernodeToPeerCodec = createMessageCodec(SupernodeToPeer)

/** Most block digests that go into one `map` message. */
export const MAP_DIGESTS_PER_MESSAGE = 4096
