import type { Origin, Source } from '../../lib/origin/origin.ts'
import { DamselflyError } from '../../protocol/errors.ts'

/** An origin of which nothing is read for sources that are for the swarm alone. @throws BACK_TO_SOURCE_DISABLED, too */
export function createPermittedOrigin(origin: Origin): Origin {
  function permitted(source: Source): Source {
    if (source.swarmOnly !== true) return source
    throw new DamselflyError('BACK_TO_SOURCE_DISABLED')
  }
  return {
    open: async (source, options) => origin.open(permitted(source), options),
    check: async (source, options) => origin.check(permitted(source), options),
    ...(origin.locate && { locate: origin.locate }),
  }
}
