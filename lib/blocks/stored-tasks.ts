import type { TaskId } from '../../protocol/task.ts'
import type { Logger } from '../logger.ts'
import type { BlockIndex } from './block-index.ts'
import type { StoredTask } from './block-store.ts'
import { storedBytesOf } from './task-shape.ts'

/**
 * Reads which tasks are stored, and cleans up the index: blocks of unknown tasks (a removal that was interrupted) and
 * tasks whose data file is gone are deleted from it.
 * @param files the tasks that have a data file
 */
export async function readStoredTasks(
  index: BlockIndex,
  files: ReadonlySet<TaskId>,
  logger: Logger,
): Promise<Map<TaskId, StoredTask>> {
  const tasks = await index.tasks()
  const missing = [...tasks.keys()].filter(taskId => !files.has(taskId))
  if (missing.length > 0) logger.warn({ tasks: missing.length }, 'forgot tasks whose data file is missing')
  for (const taskId of missing) tasks.delete(taskId)

  // Keys are in order, so the last one seen of a task is its highest block.
  const counts = new Map<string, { count: number; last: number }>()
  for await (const { taskId, index: last } of index.blockKeys()) {
    counts.set(taskId, { count: (counts.get(taskId)?.count ?? 0) + 1, last })
  }
  const strays = [...counts.keys()].filter(taskId => !tasks.has(taskId as TaskId))
  for (const taskId of new Set([...missing, ...strays])) await index.deleteTask(taskId)

  const stored = new Map<TaskId, StoredTask>()
  for (const [taskId, { epoch: _, ...record }] of tasks) {
    const { count, last } = counts.get(taskId) ?? { count: 0, last: -1 }
    const storedBytes = storedBytesOf(record, { count, has: block => block === last })
    stored.set(taskId, { taskId, ...record, storedBytes })
  }
  return stored
}
