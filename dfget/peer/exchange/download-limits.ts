import { LRUCache } from 'lru-cache'
import type { ByteGate } from '../../../lib/limits/byte-gate.ts'
import { createRateLimit, type RateLimit, type RateLimitComponents } from '../../../lib/limits/rate-limit.ts'
import type { TaskId } from '../../../protocol/task.ts'

/** Tasks whose limits are kept. One that was forgotten begins anew, which costs what passes in a moment. */
const MAX_TASKS = 1024

/** How fast a peer receives: all of it together, and each task. */
export class DownloadLimits {
  /** For all that the peer receives. */
  readonly all: RateLimit
  readonly #components: RateLimitComponents
  readonly #tasks = new LRUCache<TaskId, RateLimit>({ max: MAX_TASKS })
  #perTask: number

  /** @param init in bytes per second, 0 for no limit */
  constructor(components: RateLimitComponents, init: { readonly download: number; readonly perTask: number }) {
    this.#components = components
    this.all = createRateLimit(components, init.download)
    this.#perTask = init.perTask
  }

  /** For each task, in bytes per second; 0 for no limit. */
  get perTask(): number {
    return this.#perTask
  }

  set perTask(bytesPerSecond: number) {
    this.#perTask = bytesPerSecond
    for (const task of this.#tasks.values()) task.change(bytesPerSecond)
  }

  /** What bytes pass that belong to one task after the other. @param task whose bytes are next, if anybody knows */
  gate(task: () => TaskId | undefined): ByteGate {
    const limits = this
    return {
      get open() {
        return limits.all.open && limits.#perTask === 0
      },
      take: (maxBytes, signal) => limits.#take(task(), maxBytes, signal),
    }
  }

  async #take(task: TaskId | undefined, maxBytes: number, signal: AbortSignal): Promise<number> {
    // First that of the task, so that a task which has to wait takes nothing from the others.
    const limit = task === undefined || this.#perTask === 0 ? undefined : this.#limitOf(task)
    const bytes = limit === undefined ? maxBytes : await limit.take(maxBytes, signal)
    if (this.all.open || bytes === 0) return bytes
    if (limit === undefined) return this.all.take(bytes, signal)
    for (let left = bytes; left > 0; ) {
      const granted = await this.all.take(left, signal)
      if (granted === 0) return 0
      left -= granted
    }
    return bytes
  }

  #limitOf(task: TaskId): RateLimit {
    const known = this.#tasks.get(task)
    if (known !== undefined) return known
    const limit = createRateLimit(this.#components, this.#perTask)
    this.#tasks.set(task, limit)
    return limit
  }
}
