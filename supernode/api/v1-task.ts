import { type Static, Type } from 'typebox'
import type { SeedState } from '../seed/seed-task.ts'

const CDN_STATUSES = {
  idle: 'WAITING',
  reading: 'RUNNING',
  complete: 'SUCCESS',
  failed: 'FAILED',
} as const satisfies Record<SeedState, string>

/**
 * What tools of Dragonfly v1 read of a task (`TaskInfo` there). A task has no URL here, as any may have led to it, and URLs and
 * headers hold secrets; it has no MD5 either. Lengths are left out while they are not known, as v1 does with empty fields.
 */
export const V1_TASK_FIELDS = {
  ID: Type.String({ description: 'the same as id' }),
  fileLength: Type.Optional(Type.Integer({ description: 'the same as sizeBytes' })),
  httpFileLength: Type.Optional(Type.Integer({ description: 'the same as sizeBytes' })),
  pieceSize: Type.Integer({ description: 'the same as blockSizeBytes' }),
  pieceTotal: Type.Optional(Type.Integer({ description: 'how many blocks it has' })),
  cdnStatus: Type.Enum(Object.values(CDN_STATUSES), { type: 'string' }),
}
const V1Task = Type.Object(V1_TASK_FIELDS)
/** A task as tools of Dragonfly v1 know it. */
export type V1Task = Static<typeof V1Task>

/** What a task is made from for v1. */
export interface V1TaskOrigin {
  readonly id: string
  readonly state: SeedState
  readonly sizeBytes: number | null
  readonly blockSizeBytes: number
}

/** What v1 reads of a task of ours. */
export function v1TaskOf({ id, state, sizeBytes, blockSizeBytes }: V1TaskOrigin): V1Task {
  const lengths =
    sizeBytes === null
      ? {}
      : { fileLength: sizeBytes, httpFileLength: sizeBytes, pieceTotal: Math.ceil(sizeBytes / blockSizeBytes) }
  return { ID: id, ...lengths, pieceSize: blockSizeBytes, cdnStatus: CDN_STATUSES[state] }
}
