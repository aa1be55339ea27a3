import type { Origin, Source } from '../../lib/origin/origin.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import type { ForbiddenTasks } from './forbidden-tasks.ts'

/**
 * An origin of which nothing is read for sources that are for the swarm alone, or that are blocked.
 * @throws BACK_TO_SOURCE_DISABLED and TASK_BLOCKED, too
 */
export function createPermittedOrigin(origin: Origin, forbidden: Pick<ForbiddenTasks, 'check'>): Origin {
  function permitted(source: Source): Source {
    forbidden.check(source)
    if (source.swarmOnly !== true) return source
    throw new DamselflyError('BACK_TO_SOURCE_DISABLED')
  }
  return {
    open: async (source, options) => origin.open(permitted(source), options),
    check: async (source, options) => origin.check(permitted(source), options),
    ...(origin.locate && { locate: origin.locate }),
  }
}
