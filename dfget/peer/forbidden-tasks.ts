import type { Source } from '../../lib/origin/origin.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'

/** More are not remembered; the supernode admits nobody to them either. */
const MAX_TASKS = 100_000

/** Content that an operator has blocked, as the supernode has told: nobody gets it from here, wherever it would come from. */
export class ForbiddenTasks {
  readonly #tasks = new Set<TaskId>()

  forbid(tasks: readonly TaskId[]): void {
    for (const task of tasks) if (this.#tasks.size < MAX_TASKS) this.#tasks.add(task)
  }

  allow(tasks: readonly TaskId[]): void {
    for (const task of tasks) this.#tasks.delete(task)
  }

  has(task: TaskId): boolean {
    return this.#tasks.has(task)
  }

  /** Content without a digest is known only once it is registered. @throws DamselflyError TASK_BLOCKED */
  check({ digest }: Pick<Source, 'digest'>): void {
    if (digest !== undefined && this.has(taskIdOfDigest(digest))) throw new DamselflyError('TASK_BLOCKED')
  }
}
