import { DamselflyError } from '../../protocol/errors.ts'
import { parseTaskId, type TaskId } from '../../protocol/task.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { StoredTask, StoreSpace, TaskBlocks, TaskShape } from './block-store.ts'
import type { DiskSpace, Quota } from './quota.ts'
import type { SharedTask } from './shared-task.ts'
import { type RoomTask, StoreRoom } from './store-room.ts'
import { TaskHandle } from './task-handle.ts'
import { checkShape } from './task-shape.ts'

/** Where a task table gets its tasks from. It calls for one task at a time, never twice at once for the same. */
export interface TaskSource {
  load(stored: StoredTask): Promise<SharedTask>
  create(taskId: TaskId, shape: TaskShape): Promise<SharedTask>
  /** Deletes a task that is not open. */
  erase(taskId: TaskId): Promise<void>
}

export interface TaskTableComponents {
  readonly source: TaskSource
  readonly clock: Clock
  readonly disk: () => Promise<DiskSpace>
  readonly logger: Logger
}

interface OpenTask {
  readonly task: SharedTask
  holders: number
  /** Whether it is to be removed when the last holder closes it. */
  doomed: boolean
}

/**
 * Knows all tasks of a store and who holds which of them open. Opening, closing and removing a task happen one after the
 * other per task, so that openers share one entry and a removal never meets a half-open one.
 */
export class TaskTable {
  readonly #source: TaskSource
  readonly #clock: Clock
  readonly #stored = new Map<TaskId, StoredTask>()
  readonly #open = new Map<TaskId, OpenTask>()
  readonly #lanes = new Map<TaskId, Promise<void>>()
  readonly #room: StoreRoom
  readonly #removed = new Set<(taskId: TaskId) => void>()
  #running = false

  constructor({ source, clock, disk, logger }: TaskTableComponents, quota: Quota) {
    this.#source = source
    this.#clock = clock
    const evict = (taskId: TaskId) => this.#inLane(taskId, () => this.#evictIdle(taskId))
    this.#room = new StoreRoom({ tasks: () => this.#roomTasks(), evict, disk, logger }, quota)
  }

  start(stored: Iterable<StoredTask>): void {
    this.#stored.clear()
    for (const task of stored) this.#stored.set(task.taskId, task)
    this.#running = true
  }

  /** Refuses new openers, then closes every open task. Holds that are still there become useless. */
  async stop(): Promise<void> {
    this.#running = false
    await Promise.all(this.#lanes.values())
    const closing = await Promise.allSettled([...this.#open.keys()].map(taskId => this.#shut(taskId)))
    const failed = closing.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async open(taskId: TaskId, shape: TaskShape): Promise<TaskBlocks> {
    parseTaskId(taskId)
    checkShape(shape)
    return this.#inLane(taskId, async () => {
      if (shape.sizeBytes !== undefined) await this.#room.claim(taskId, shape.sizeBytes)
      const held = this.#open.get(taskId)
      if (held === undefined) return this.#openFirst(taskId, () => this.#enter(taskId, shape))
      await adopt(held.task, shape)
      return this.#hold(held)
    })
  }

  async openExisting(taskId: TaskId): Promise<TaskBlocks | undefined> {
    return this.#inLane(taskId, async () => {
      const held = this.#open.get(taskId)
      const stored = this.#stored.get(taskId)
      if (held !== undefined) return this.#hold(held)
      if (stored === undefined) return undefined
      return this.#openFirst(taskId, () => this.#source.load(stored))
    })
  }

  list(): StoredTask[] {
    this.#checkRunning()
    return [...this.#stored.values()].map(stored => this.#summaryOf(stored))
  }

  find(taskId: TaskId): StoredTask | undefined {
    this.#checkRunning()
    const stored = this.#stored.get(taskId)
    return stored === undefined ? undefined : this.#summaryOf(stored)
  }

  async remove(taskId: TaskId): Promise<boolean> {
    return this.#inLane(taskId, async () => {
      const held = this.#open.get(taskId)
      if (held !== undefined) {
        held.doomed = true
        return true
      }
      if (!this.#stored.has(taskId)) return false
      await this.#eraseAndTell(taskId)
      return true
    })
  }

  async pin(taskId: TaskId, pinned: boolean): Promise<boolean> {
    return this.#inLane(taskId, async () => {
      const stored = this.#stored.get(taskId)
      if (stored === undefined) return false
      const held = this.#open.get(taskId)
      const task = held?.task ?? (await this.#source.load(stored))
      try {
        await task.pin(pinned)
      } finally {
        this.#stored.set(taskId, task.summary)
        if (held === undefined) await task.close()
      }
      return true
    })
  }

  async sweep(): Promise<TaskId[]> {
    this.#checkRunning()
    return this.#room.sweep()
  }

  async space(): Promise<StoreSpace> {
    this.#checkRunning()
    return this.#room.space()
  }

  onRemoved(listener: (taskId: TaskId) => void): void {
    this.#removed.add(listener)
  }

  #summaryOf(stored: StoredTask): StoredTask {
    return this.#open.get(stored.taskId)?.task.summary ?? stored
  }

  async #openFirst(taskId: TaskId, get: () => Promise<SharedTask>): Promise<TaskBlocks> {
    try {
      return await this.#hold({ task: await get(), holders: 0, doomed: false })
    } catch (error) {
      this.#room.release(taskId)
      throw error
    }
  }

  async #hold(entry: OpenTask): Promise<TaskBlocks> {
    const { task } = entry
    this.#open.set(task.taskId, entry)
    this.#stored.set(task.taskId, task.summary)
    entry.holders++
    await task.touch(this.#clock.wallTime())
    return new TaskHandle(task, {
      claim: sizeBytes => this.#claim(task, sizeBytes),
      release: () => this.#inLane(task.taskId, () => this.#release(entry), 'closing'),
    })
  }

  /** Room for content of a known size is promised once, for all of it; where the size is not known, for one block more. */
  async #claim({ taskId, blockSizeBytes }: SharedTask, sizeBytes: number | undefined): Promise<void> {
    if (sizeBytes === undefined) await this.#room.claimMore(taskId, blockSizeBytes)
    else if (this.#room.claimOf(taskId) < sizeBytes) await this.#room.claim(taskId, sizeBytes)
  }

  #roomTasks(): RoomTask[] {
    return this.list().map(task => ({ ...task, idle: !this.#open.has(task.taskId) && !this.#lanes.has(task.taskId) }))
  }

  async #evictIdle(taskId: TaskId): Promise<boolean> {
    if (this.#open.has(taskId) || !this.#stored.has(taskId)) return false
    await this.#eraseAndTell(taskId)
    return true
  }

  async #release(entry: OpenTask): Promise<void> {
    entry.holders--
    if (entry.holders === 0 && this.#open.get(entry.task.taskId) === entry) await this.#leave(entry)
  }

  /** Closes a task over the heads of its holders. */
  #shut(taskId: TaskId): Promise<void> {
    const close = async () => {
      const entry = this.#open.get(taskId)
      if (entry !== undefined) await this.#leave(entry)
    }
    return this.#inLane(taskId, close, 'closing')
  }

  async #leave({ task, doomed }: OpenTask): Promise<void> {
    try {
      await task.close()
    } finally {
      this.#open.delete(task.taskId)
      this.#room.release(task.taskId)
      this.#stored.set(task.taskId, task.summary)
      if (doomed) await this.#eraseAndTell(task.taskId)
    }
  }

  async #eraseAndTell(taskId: TaskId): Promise<void> {
    await this.#erase(taskId)
    for (const listener of this.#removed) listener(taskId)
  }

  async #erase(taskId: TaskId): Promise<void> {
    await this.#source.erase(taskId)
    this.#stored.delete(taskId)
  }

  /** Loads or creates a task that nobody holds. What is stored under another shape gives way. */
  async #enter(taskId: TaskId, shape: TaskShape): Promise<SharedTask> {
    const stored = this.#stored.get(taskId)
    if (stored === undefined) return this.#source.create(taskId, shape)
    const task = stored.blockSizeBytes === shape.blockSizeBytes ? await this.#source.load(stored) : undefined
    if (task !== undefined) {
      try {
        await adopt(task, shape)
        return task
      } catch (error) {
        await task.close()
        const disagrees = error instanceof DamselflyError && error.code === 'SIZE_INVALID'
        // The size of a complete task was proven with its content; the stored blocks of any other prove nothing.
        if (!disagrees || task.complete) throw error
      }
    }
    await this.#erase(taskId)
    return this.#source.create(taskId, shape)
  }

  async #inLane<T>(taskId: TaskId, work: () => Promise<T>, purpose: 'using' | 'closing' = 'using'): Promise<T> {
    if (purpose === 'using') this.#checkRunning()
    const before = this.#lanes.get(taskId) ?? Promise.resolve()
    const result = before.then(work)
    const settled = result.then(
      () => {},
      () => {},
    )
    this.#lanes.set(taskId, settled)
    try {
      return await result
    } finally {
      if (this.#lanes.get(taskId) === settled) this.#lanes.delete(taskId)
    }
  }

  #checkRunning(): void {
    if (!this.#running) throw new DamselflyError('STORE_FAILED', 'the block store is not running')
  }
}

/** Gives a task the size that an opener knows. @throws DamselflyError SIZE_INVALID, STORE_FAILED when they disagree */
async function adopt(task: SharedTask, { blockSizeBytes, sizeBytes }: TaskShape): Promise<void> {
  if (task.blockSizeBytes !== blockSizeBytes) {
    throw new DamselflyError('STORE_FAILED', `the task is in use with blocks of ${task.blockSizeBytes} bytes`)
  }
  if (sizeBytes !== undefined) await task.setSize(sizeBytes)
}
