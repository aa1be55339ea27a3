import { DamselflyError } from '../../protocol/errors.ts'
import type { StoreStatus } from '../../protocol/messages/daemon-api.ts'
import type { TaskId } from '../../protocol/task.ts'

/**
 * The stored task that a person means: by its id, the beginning of it, or the beginning of its hexadecimal digits.
 * @throws DamselflyError TASK_UNKNOWN, REQUEST_INVALID when several are meant
 */
export function findTask({ tasks }: Pick<StoreStatus, 'tasks'>, text: string): TaskId {
  const meant = tasks.filter(({ id }) => id.startsWith(text) || id.slice(id.indexOf(':') + 1).startsWith(text))
  const [task, ...others] = meant
  if (task === undefined || text === '') {
    throw new DamselflyError('TASK_UNKNOWN', `nothing stored begins with "${text}"; "dfdaemon store ls" shows what is`)
  }
  if (others.length > 0) {
    throw new DamselflyError(
      'REQUEST_INVALID',
      `"${text}" is the beginning of ${meant.length} stored tasks; give more of it`,
    )
  }
  return task.id
}
