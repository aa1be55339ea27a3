import { MAP_DIGESTS_PER_MESSAGE, type SupernodeToPeer } from '../../protocol/messages/control.ts'
import type { SeedTask } from '../seed/seed-task.ts'

/** How much of one task's block map one peer has been told. */
export interface MapCursor {
  blocks: number
  sizeTold: boolean
}

/** The messages that bring a peer up to date with a task's block map. Moves the cursor. */
export function* mapNews(task: SeedTask, cursor: MapCursor): Generator<SupernodeToPeer> {
  const { map, taskId } = task
  const sizeKnown = map.sizeBytes !== undefined
  while (cursor.blocks < map.length || (sizeKnown && !cursor.sizeTold)) {
    const to = Math.min(map.length, cursor.blocks + MAP_DIGESTS_PER_MESSAGE)
    yield {
      type: 'map',
      task: taskId,
      blockSizeBytes: map.blockSizeBytes,
      from: cursor.blocks,
      digests: map.slice(cursor.blocks, to),
      ...(map.sizeBytes === undefined ? {} : { sizeBytes: map.sizeBytes }),
    }
    cursor.blocks = to
    cursor.sizeTold = sizeKnown
  }
}
