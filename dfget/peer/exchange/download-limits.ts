import { LRUCache } from 'lru-cache'
import type { ByteGate } from '../../../lib/limits/byte-gate.ts'
import { createRateLimit, type RateLimit, type RateLimitComponents } from '../../../lib/limits/rate-limit.ts'
import type { TaskId } from '../../../protocol/task.ts'

/** Tasks whose limits are kept. One that was forgotten begins anew, which costs what passes in a moment. */
const MAX_TASKS = 1024

/** How fast a peer receives: all of it together, each task, and those together that nobody waits for. */
export class DownloadLimits {
  /** For all that the peer receives. */
  readonly all: RateLimit
  /** For what nobody waits for. */
  readonly background: RateLimit
  /** What nobody waits for; kept up to date by those who download it. */
  readonly backgroundTasks = new Set<TaskId>()
  readonly #components: RateLimitComponents
  readonly #tasks = new LRUCache<TaskId, RateLimit>({ max: MAX_TASKS })
  #perTask: number

  /** @param init in bytes per second, 0 for no limit */
  constructor(
    components: RateLimitComponents,
    init: { readonly download: number; readonly perTask: number; readonly background: number },
  ) {
    this.#components = components
    this.all = createRateLimit(components, init.download)
    this.background = createRateLimit(components, init.background)
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

  /** Whether some tasks may have to wait while others do not. */
  get differs(): boolean {
    return this.#perTask > 0 || !this.background.open
  }

  /** What bytes pass that belong to one task after the other. @param task whose bytes are next, if anybody knows */
  gate(task: () => TaskId | undefined): ByteGate {
    const limits = this
    return {
      get open() {
        return limits.all.open && !limits.differs
      },
      take: (maxBytes, signal) => limits.#take(task(), maxBytes, signal),
    }
  }

  /** First its own limits, so that a task which has to wait takes nothing from the others. */
  async #take(task: TaskId | undefined, maxBytes: number, signal: AbortSignal): Promise<number> {
    let bytes = maxBytes
    let isGranted = false
    for (const limit of this.#limitsOf(task)) {
      bytes = isGranted ? await takeAll(limit, bytes, signal) : await limit.take(bytes, signal)
      if (bytes === 0) return 0
      isGranted = true
    }
    return bytes
  }

  #limitsOf(task: TaskId | undefined): RateLimit[] {
    const limits = [this.all]
    if (task === undefined) return limits
    if (this.backgroundTasks.has(task)) limits.unshift(this.background)
    if (this.#perTask > 0) limits.unshift(this.#limitOf(task))
    return limits.filter(limit => !limit.open)
  }

  #limitOf(task: TaskId): RateLimit {
    const known = this.#tasks.get(task)
    if (known !== undefined) return known
    const limit = createRateLimit(this.#components, this.#perTask)
    this.#tasks.set(task, limit)
    return limit
  }
}

/** Takes what another limit has granted. @returns 0 when the signal ended the wait */
async function takeAll(limit: RateLimit, bytes: number, signal: AbortSignal): Promise<number> {
  for (let left = bytes; left > 0; ) {
    const granted = await limit.take(left, signal)
    if (granted === 0) return 0
    left -= granted
  }
  return bytes
}
