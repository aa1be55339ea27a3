import { DamselflyError } from '../../protocol/errors.ts'
import { parseTaskId, type TaskId } from '../../protocol/task.ts'
import type { Clock } from '../clock.ts'
import type { StoredTask, TaskBlocks, TaskShape } from './block-store.ts'
import type { SharedTask } from './shared-task.ts'
import { TaskHandle } from './task-handle.ts'
import { checkShape } from './task-shape.ts'

/** Where a task table gets its tasks from. It calls for one task at a time, never twice at once for the same. */
export interface TaskSource {
  load(stored: StoredTask): Promise<SharedTask>
  create(taskId: TaskId, shape: TaskShape): Promise<SharedTask>
  /** Deletes a task that is not open. */
  erase(taskId: TaskId): Promise<void>
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
  #running = false

  constructor(source: TaskSource, clock: Clock) {
    this.#source = source
    this.#clock = clock
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
    const closing = await Promise.allSettled([...this.#open.keys()].map(taskId => this.#evict(taskId)))
    const failed = closing.find(result => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }

  async open(taskId: TaskId, shape: TaskShape): Promise<TaskBlocks> {
    parseTaskId(taskId)
    checkShape(shape)
    return this.#inLane(taskId, async () => {
      const held = this.#open.get(taskId)
      if (held !== undefined) await adopt(held.task, shape)
      return this.#hold(held ?? { task: await this.#enter(taskId, shape), holders: 0, doomed: false })
    })
  }

  async openExisting(taskId: TaskId): Promise<TaskBlocks | undefined> {
    return this.#inLane(taskId, async () => {
      const held = this.#open.get(taskId)
      const stored = this.#stored.get(taskId)
      if (held !== undefined) return this.#hold(held)
      if (stored === undefined) return undefined
      return this.#hold({ task: await this.#source.load(stored), holders: 0, doomed: false })
    })
  }

  list(): StoredTask[] {
    this.#checkRunning()
    return [...this.#stored.values()].map(stored => this.#open.get(stored.taskId)?.task.summary ?? stored)
  }

  async remove(taskId: TaskId): Promise<boolean> {
    return this.#inLane(taskId, async () => {
      const held = this.#open.get(taskId)
      if (held !== undefined) {
        held.doomed = true
        return true
      }
      if (!this.#stored.has(taskId)) return false
      await this.#erase(taskId)
      return true
    })
  }

  async #hold(entry: OpenTask): Promise<TaskBlocks> {
    const { task } = entry
    this.#open.set(task.taskId, entry)
    this.#stored.set(task.taskId, task.summary)
    entry.holders++
    await task.touch(this.#clock.wallTime())
    return new TaskHandle(task, () => this.#inLane(task.taskId, () => this.#release(entry), 'closing'))
  }

  async #release(entry: OpenTask): Promise<void> {
    entry.holders--
    if (entry.holders === 0 && this.#open.get(entry.task.taskId) === entry) await this.#leave(entry)
  }

  /** Closes a task over the heads of its holders. */
  #evict(taskId: TaskId): Promise<void> {
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
      this.#stored.set(task.taskId, task.summary)
      if (doomed) await this.#erase(task.taskId)
    }
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
