import { type Static, Type } from 'typebox'
import type { BlockStore, StoredTask } from '../../lib/blocks/block-store.ts'
import { blockCountOf } from '../../protocol/block-map.ts'
import { blockSizeFor } from '../../protocol/block-size.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { TASK_FIELDS, TaskHolder } from '../../protocol/messages/task-api.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { MemberView, SwarmDirector } from '../control/swarm-director.ts'
import type { Imports } from '../imports/imports.ts'
import type { ReplicaKeeper } from '../replicas/replica-keeper.ts'
import type { Seeder } from '../seed/seeder.ts'
import type { SmallContentStore } from '../small/small-content-store.ts'
import { V1_TASK_FIELDS, v1TaskOf } from './v1-task.ts'

/** A task as the API lists it: ours first, then what tools of Dragonfly v1 read (docs/api.md). */
export const ListedTask = Type.Object({ ...TASK_FIELDS, ...V1_TASK_FIELDS })
export type ListedTask = Static<typeof ListedTask>

/** A task by itself: with who has how much of it. */
export const ShownTask = Type.Object({
  ...TASK_FIELDS,
  holders: Type.Array(TaskHolder, { description: 'linked peers that have blocks of it, or have been asked to' }),
  ...V1_TASK_FIELDS,
})
export type ShownTask = Static<typeof ShownTask>

export interface TaskViewComponents {
  readonly seeder: Pick<Seeder, 'get' | 'isImporting'>
  readonly small: Pick<SmallContentStore, 'list'>
  readonly store: Pick<BlockStore, 'list'>
  readonly director: Pick<SwarmDirector, 'peers' | 'membersOf'>
  readonly imports: Pick<Imports, 'isImported'>
  readonly replicas: Pick<ReplicaKeeper, 'countsOf' | 'copyAt'>
}

/** What is here, as the API shows it. */
export interface TaskViews {
  list(): Promise<ListedTask[]>
  /** @throws DamselflyError TASK_UNKNOWN */
  show(taskId: TaskId): Promise<ShownTask>
}

type Stored = Pick<StoredTask, 'taskId' | 'sizeBytes' | 'blockSizeBytes' | 'storedBytes' | 'complete' | 'pinned'>

/** Makes the views. */
export function createTaskViews(components: TaskViewComponents): TaskViews {
  const { seeder, small, store, director, imports, replicas } = components

  /** What is kept whole is left out where it is here as blocks, too. */
  async function stored(): Promise<{ readonly task: Stored; readonly isSmall: boolean }[]> {
    const tasks = await store.list()
    const cut = new Set(tasks.map(({ taskId }) => taskId))
    return [
      ...tasks.map(task => ({ task, isSmall: false })),
      ...small
        .list()
        .filter(({ taskId }) => !cut.has(taskId))
        .map(({ taskId, sizeBytes }) => ({ task: smallTask(taskId, sizeBytes), isSmall: true })),
    ]
  }

  function view(
    { task, isSmall }: { task: Stored; isSmall: boolean },
    wanted: ReadonlyMap<TaskId, number>,
  ): ListedTask {
    const { taskId, complete, sizeBytes, blockSizeBytes, storedBytes, pinned } = task
    const idle = complete ? 'complete' : seeder.isImporting(taskId) ? 'reading' : 'idle'
    const known = {
      id: taskId,
      state: seeder.get(taskId)?.state ?? idle,
      sizeBytes: sizeBytes ?? null,
      blockSizeBytes,
    } as const
    return {
      ...known,
      storedBytes,
      peers: wanted.get(taskId) ?? 0,
      small: isSmall,
      imported: imports.isImported(taskId),
      pinned,
      replicas: replicas.countsOf(taskId),
      ...v1TaskOf(known),
    }
  }

  function wantedByPeers(): Map<TaskId, number> {
    const wanted = new Map<TaskId, number>()
    for (const { tasks } of director.peers()) for (const id of tasks) wanted.set(id, (wanted.get(id) ?? 0) + 1)
    return wanted
  }

  return {
    async list() {
      const wanted = wantedByPeers()
      return (await stored()).map(found => view(found, wanted))
    },
    async show(taskId) {
      const found = (await stored()).find(({ task }) => task.taskId === taskId)
      if (found === undefined) throw new DamselflyError('TASK_UNKNOWN', 'GET /api/v1/tasks lists what is here')
      const members = director.membersOf(taskId).map(member => ({
        id: member.id,
        labels: member.labels,
        blocks: member.have.count,
        storedBytes: bytesOf(member, found.task),
        replica: replicas.copyAt(taskId, member.id),
      }))
      const holders = members.filter(({ blocks, replica }) => blocks > 0 || replica !== 'none')
      return { ...view(found, wantedByPeers()), holders }
    },
  }
}

function smallTask(taskId: TaskId, sizeBytes: number): Stored {
  const blockSizeBytes = blockSizeFor(sizeBytes)
  return { taskId, sizeBytes, blockSizeBytes, storedBytes: sizeBytes, complete: true, pinned: false }
}

/** The last block is mostly shorter than the others. */
function bytesOf({ have }: MemberView, { sizeBytes, blockSizeBytes }: Stored): number {
  const bytes = have.count * blockSizeBytes
  if (sizeBytes === undefined) return bytes
  const blocks = blockCountOf(sizeBytes, blockSizeBytes)
  return have.has(blocks - 1) ? bytes - (blocks * blockSizeBytes - sizeBytes) : bytes
}
