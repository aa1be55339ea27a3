import type { BlockStore, StoredTask } from '../../../lib/blocks/block-store.ts'
import type { Source } from '../../../lib/origin/origin.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { Tasks } from '../tasks.ts'

export interface FetchWholeComponents {
  readonly tasks: Pick<Tasks, 'open'>
  readonly store: Pick<BlockStore, 'find'>
}

/** How often content may be waited for in a row without any of it coming. */
const MAX_FRUITLESS_TRIES = 3

/**
 * Downloads all of a task when nobody waits for anything else; what comes slowly is waited for again, as long as it comes.
 * @returns what was stored of it before
 * @throws DamselflyError BLOCK_LATE; TASK_UNKNOWN when the source has other content now; what the swarm and the store throw; the
 * signal's reason
 */
export async function fetchWhole(
  { tasks, store }: FetchWholeComponents,
  { task, source }: { readonly task: TaskId; readonly source: Source },
  { signal }: { signal: AbortSignal },
): Promise<StoredTask | undefined> {
  const before = await store.find(task)
  for (let found = before, fruitless = 0; found?.complete !== true; ) {
    const storedBytes = found?.storedBytes ?? 0
    const content = await tasks.open(source, { signal, background: true })
    if (content.taskId !== undefined && content.taskId !== task) {
      throw new DamselflyError('TASK_UNKNOWN', 'its URL has other content now')
    }
    await content.settled({ signal })
    found = await store.find(task)
    fruitless = (found?.storedBytes ?? 0) > storedBytes ? 0 : fruitless + 1
    if (fruitless >= MAX_FRUITLESS_TRIES) throw new DamselflyError('BLOCK_LATE', 'the swarm did not deliver')
  }
  return before
}
