import type { Logger } from '../../../lib/logger.ts'
import type { TaskId } from '../../../protocol/task.ts'

/** What is done for a task. Told by the signal when it is not wanted any more; says itself what came of it. */
export type TaskWork = (signal: AbortSignal) => Promise<void>

export interface TaskJobsInit {
  /** How many run at once. */
  readonly maxRunning: number
  /** How many may wait for their turn. */
  readonly maxWaiting: number
}

interface Job {
  readonly task: TaskId
  readonly work: TaskWork
  readonly ended: AbortController
}

/** Work for tasks, one job for each at a time, few at once, the others in the order in which they came. */
export class TaskJobs {
  readonly #logger: Logger
  readonly #init: TaskJobsInit
  /** Those that are wanted, running or not. */
  readonly #jobs = new Map<TaskId, Job>()
  readonly #waiting = new Set<Job>()
  #running = 0

  constructor({ logger }: { readonly logger: Logger }, init: TaskJobsInit) {
    this.#logger = logger
    this.#init = init
  }

  /** Whether there is a job for a task that is still wanted. */
  has(task: TaskId): boolean {
    return this.#jobs.has(task)
  }

  /** Begins a job, as soon as it is its turn, unless there is one for the task. @returns false when too many wait */
  begin(task: TaskId, work: TaskWork): boolean {
    if (this.#jobs.has(task)) return true
    if (this.#running >= this.#init.maxRunning && this.#waiting.size >= this.#init.maxWaiting) return false
    const job: Job = { task, work, ended: new AbortController() }
    this.#jobs.set(task, job)
    this.#waiting.add(job)
    this.#next()
    return true
  }

  /** The task is not wanted any more: a job that waits is forgotten, one that runs is told. */
  end(task: TaskId, reason: Error): void {
    const job = this.#jobs.get(task)
    if (job === undefined) return
    this.#jobs.delete(task)
    this.#waiting.delete(job)
    job.ended.abort(reason)
  }

  endAll(reason: Error): void {
    for (const task of [...this.#jobs.keys()]) this.end(task, reason)
  }

  #next(): void {
    for (const job of this.#waiting) {
      if (this.#running >= this.#init.maxRunning) return
      this.#waiting.delete(job)
      void this.#run(job)
    }
  }

  async #run(job: Job): Promise<void> {
    const { task, work, ended } = job
    this.#running++
    try {
      await work(ended.signal)
    } catch (error) {
      this.#logger.warn({ taskId: task, error: (error as Error).message }, 'background work for a task failed')
    } finally {
      this.#running--
      if (this.#jobs.get(task) === job) this.#jobs.delete(task)
      this.#next()
    }
  }
}
