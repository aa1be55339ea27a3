import type { TaskId } from '../../protocol/task.ts'
import type { BlockStore, TaskBlocks, TaskShape } from './block-store.ts'

/**
 * Opens a task for somebody who would cut it into blocks of a size of his own: what is stored in others stays in those.
 * @throws DamselflyError as `BlockStore.open` does
 */
export async function openAsStored(
  store: Pick<BlockStore, 'find' | 'open'>,
  taskId: TaskId,
  { blockSizeBytes, sizeBytes }: TaskShape,
): Promise<TaskBlocks> {
  const stored = await store.find(taskId)
  return store.open(taskId, { blockSizeBytes: stored?.blockSizeBytes ?? blockSizeBytes, sizeBytes })
}
