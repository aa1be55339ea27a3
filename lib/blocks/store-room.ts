import { DamselflyError } from '../../protocol/errors.ts'
import type { TaskId } from '../../protocol/task.ts'
import type { Logger } from '../logger.ts'
import { formatBytes } from '../terminal/format.ts'
import type { StoreSpace } from './block-store.ts'
import {
  capacityOf,
  type DiskSpace,
  excessBytes,
  type Filling,
  type IdleTask,
  leastRecentlyUsed,
  type Quota,
} from './quota.ts'

/** A task as far as room is concerned. */
export interface RoomTask extends IdleTask {
  readonly pinned: boolean
  /** Nobody has it open, so that it may be deleted. */
  readonly idle: boolean
}

export interface StoreRoomComponents {
  readonly tasks: () => RoomTask[]
  /** Deletes a task, unless somebody has opened it meanwhile. @returns whether it did */
  readonly evict: (taskId: TaskId) => Promise<boolean>
  /** The file system that the blocks are on. */
  readonly disk: () => Promise<DiskSpace>
  readonly logger: Logger
}

/**
 * Keeps a store within its quota: room is promised before bytes come, and made by deleting what was not used for longest.
 * What is in use or pinned stays.
 */
export class StoreRoom {
  readonly #components: StoreRoomComponents
  readonly #quota: Quota
  /** How many bytes tasks in use may have. */
  readonly #claims = new Map<TaskId, number>()
  #lastClaim: Promise<void> = Promise.resolve()
  #full = false

  constructor(components: StoreRoomComponents, quota: Quota) {
    this.#components = components
    this.#quota = quota
  }

  /** Promises room for so many bytes of a task, in all. @throws DamselflyError STORE_FULL when there is none */
  claim(taskId: TaskId, bytes: number): Promise<void> {
    return this.#inTurn(() => this.#promise(taskId, () => bytes))
  }

  /** Promises room for so many bytes more than a task has or was promised. @throws DamselflyError STORE_FULL */
  claimMore(taskId: TaskId, bytes: number): Promise<void> {
    return this.#inTurn(() => this.#promise(taskId, claimed => claimed + bytes))
  }

  /** How many bytes a task was promised. */
  claimOf(taskId: TaskId): number {
    return this.#claims.get(taskId) ?? 0
  }

  /** Ends what was promised to a task. */
  release(taskId: TaskId): void {
    this.#claims.delete(taskId)
  }

  /** Deletes what lies above the watermarks. @returns what was deleted */
  async sweep(): Promise<TaskId[]> {
    const evicted: TaskId[] = []
    for (let victims = await this.#victims(); victims.length > 0; victims = await this.#victims()) {
      evicted.push(...(await this.#evict(victims)))
    }
    return evicted
  }

  async space(): Promise<StoreSpace> {
    const { claimedBytes, capacityBytes } = this.#filling(await this.#components.disk())
    const tasks = this.#components.tasks()
    return {
      tasks: tasks.length,
      storedBytes: sum(tasks, task => task.storedBytes),
      claimedBytes,
      pinnedBytes: sum(tasks, task => (task.pinned ? task.storedBytes : 0)),
      capacityBytes: Number.isFinite(capacityBytes) ? capacityBytes : null,
    }
  }

  /** One after the other, in the order in which they asked: no two are promised the same room. */
  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#lastClaim.catch(() => {}).then(work)
    this.#lastClaim = done
    return done
  }

  async #promise(taskId: TaskId, wanted: (claimedBytes: number) => number): Promise<void> {
    const { disk, tasks } = this.#components
    for (;;) {
      const filling = this.#filling(await disk())
      const storedBytes = tasks().find(task => task.taskId === taskId)?.storedBytes ?? 0
      const claimedBytes = Math.max(storedBytes, this.claimOf(taskId))
      const wantedBytes = wanted(claimedBytes)
      const moreBytes = wantedBytes - claimedBytes
      if (moreBytes <= 0) return
      const victims = this.#choose(filling, moreBytes)
      if (victims.length > 0) await this.#evict(victims)
      else if (filling.claimedBytes + moreBytes > filling.capacityBytes) throw this.#refusal(filling, moreBytes)
      else {
        this.#claims.set(taskId, wantedBytes)
        this.#full = false
        return
      }
    }
  }

  async #victims(): Promise<TaskId[]> {
    return this.#choose(this.#filling(await this.#components.disk()), 0)
  }

  #choose(filling: Filling, bytes: number): TaskId[] {
    const excess = excessBytes(this.#quota, filling, bytes)
    if (excess <= 0) return []
    const idle = this.#components.tasks().filter(task => task.idle && !task.pinned)
    return leastRecentlyUsed(idle, excess)
  }

  /** @returns what was deleted */
  async #evict(victims: readonly TaskId[]): Promise<TaskId[]> {
    const { evict, logger } = this.#components
    const gone = await Promise.all(victims.map(evict))
    const evicted = victims.filter((_, at) => gone[at])
    logger.info({ tasks: evicted }, 'deleted what was not used for longest, to make room')
    return evicted
  }

  #filling(disk: DiskSpace): Filling {
    const tasks = this.#components.tasks()
    const storedBytes = sum(tasks, task => task.storedBytes)
    const claims = new Map(this.#claims)
    for (const { taskId, storedBytes } of tasks) claims.set(taskId, Math.max(storedBytes, this.claimOf(taskId)))
    const claimedBytes = [...claims.values()].reduce((total, bytes) => total + bytes, 0)
    return { claimedBytes, capacityBytes: capacityOf(this.#quota, storedBytes, disk) }
  }

  #refusal({ claimedBytes, capacityBytes }: Filling, bytes: number): DamselflyError {
    const left = formatBytes(Math.max(0, capacityBytes - claimedBytes))
    const detail = `${formatBytes(bytes)} are needed and ${left} are left; raise store.maxBytes, unpin or free the disk`
    if (!this.#full) this.#components.logger.warn({ neededBytes: bytes, capacityBytes }, 'the block store is full')
    this.#full = true
    return new DamselflyError('STORE_FULL', detail)
  }
}

function sum(tasks: readonly RoomTask[], bytesOf: (task: RoomTask) => number): number {
  return tasks.reduce((total, task) => total + bytesOf(task), 0)
}
