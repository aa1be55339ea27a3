import { type Static, Type } from 'typebox'
import { BlockSizeField, LabelsField, PeerIdField, SizeField, TaskIdField } from './fields.ts'
import { RegisteredSource } from './registration.ts'

const CountField = Type.Integer({ minimum: 0 })

/** What the supernode says of each task that is there. */
export const TASK_FIELDS = {
  id: TaskIdField,
  state: Type.Union([
    Type.Literal('idle', { description: 'some blocks may be here, nobody reads the origin' }),
    Type.Literal('reading', { description: 'the origin is being read, or an import is on its way' }),
    Type.Literal('complete', { description: 'all of it is here' }),
    Type.Literal('failed', { description: 'the last read broke off for good' }),
  ]),
  sizeBytes: Type.Union([SizeField, Type.Null()], { description: 'null while the origin has not said it' }),
  blockSizeBytes: BlockSizeField,
  storedBytes: SizeField,
  peers: Type.Integer({ minimum: 0, description: 'linked peers that want it' }),
  small: Type.Boolean({
    description: 'kept whole, and given with the answer to a registration: there is no swarm of it',
  }),
  imported: Type.Boolean({ description: 'whoever knows the digest may have it: it has no other origin' }),
  pinned: Type.Boolean({ description: 'stays when room is needed' }),
  replicas: Type.Object(
    {
      wanted: CountField,
      kept: Type.Integer({ minimum: 0, description: 'linked peers that keep all of it' }),
      underWay: Type.Integer({ minimum: 0, description: 'linked peers that have been asked to' }),
    },
    { description: 'copies that peers keep because they were asked to' },
  ),
}

/** A linked peer that has blocks of a task. */
export const TaskHolder = Type.Object({
  id: PeerIdField,
  labels: LabelsField,
  blocks: CountField,
  storedBytes: SizeField,
  replica: Type.Union([Type.Literal('kept'), Type.Literal('asked'), Type.Literal('none')], {
    description: 'whether it keeps all of it, has been asked to, or has it by chance',
  }),
})
export type TaskHolder = Static<typeof TaskHolder>

/** `GET /api/v1/tasks/{id}` as clients read it: a task, and who has how much of it. */
export const LocatedTask = Type.Object({ ...TASK_FIELDS, holders: Type.Array(TaskHolder) })
export type LocatedTask = Static<typeof LocatedTask>

/** `POST /api/v1/tasks/locate`: which task a source is, for somebody who may read it. */
export const LocateRequest = Type.Object({ source: RegisteredSource }, { additionalProperties: false })
export type LocateRequest = Static<typeof LocateRequest>

/** Most replicas that may be wanted of a task. */
export const MAX_REPLICAS = 1000

const ReplicaCountField = Type.Integer({
  minimum: 0,
  maximum: MAX_REPLICAS,
  description: 'how many peers shall keep a copy, besides the supernode',
})

/** The query of `PUT /api/v1/tasks/{id}`. */
export const ImportQuery = Type.Object({ replicas: Type.Optional(ReplicaCountField) }, { additionalProperties: false })
export type ImportQuery = Static<typeof ImportQuery>

/** `PUT /api/v1/tasks/{id}/replicas`. */
export const ReplicaRequest = Type.Object({ wanted: ReplicaCountField }, { additionalProperties: false })
export type ReplicaRequest = Static<typeof ReplicaRequest>
