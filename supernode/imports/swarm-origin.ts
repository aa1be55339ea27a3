import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { Origin, Source } from '../../lib/origin/origin.ts'
import { OriginError } from '../../lib/origin/origin-error.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { digestOfSwarmUrl } from '../../protocol/swarm-url.ts'
import { type TaskId, taskIdOfDigest } from '../../protocol/task.ts'

export interface SwarmOriginComponents {
  readonly store: Pick<BlockStore, 'find'>
  readonly isImported: (taskId: TaskId) => boolean
}

/**
 * The origin of `swarm:` URLs, as the supernode sees it: whoever knows the digest may have what was imported, and nothing else. That
 * private content of a registry is here, for those whom the registry lets read it, gives nobody else a right to it.
 */
export function createSwarmOrigin({ store, isImported }: SwarmOriginComponents): Pick<Origin, 'open' | 'check'> {
  return {
    async check(source) {
      const taskId = taskOf(source)
      if (!isImported(taskId)) {
        throw new OriginError('TASK_UNKNOWN', `nobody has imported ${taskId}`, { originStatus: 404 })
      }
      const stored = await store.find(taskId)
      if (stored?.complete !== true) {
        throw new OriginError('TASK_UNKNOWN', 'what was imported is not whole any more; import it again', {
          originStatus: 404,
        })
      }
      return { sizeBytes: stored.sizeBytes, validator: undefined }
    },
    async open() {
      throw new OriginError('TASK_UNKNOWN', 'what was imported is not here any more; import it again')
    },
  }
}

function taskOf({ url, digest }: Source): TaskId {
  const named = digestOfSwarmUrl(url)
  if (named === undefined) throw new DamselflyError('REQUEST_INVALID', 'expected swarm:<digest>, with the whole digest')
  if (digest !== named) throw new DamselflyError('REQUEST_INVALID', 'a swarm: URL needs the same digest beside it')
  return taskIdOfDigest(named)
}
