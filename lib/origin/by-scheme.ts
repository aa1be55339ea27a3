import { isSwarmUrl } from '../../protocol/swarm-url.ts'
import type { Origin, Source } from './origin.ts'
import { OriginError } from './origin-error.ts'

type Reader = Pick<Origin, 'open' | 'check'>

/** An origin that reads `swarm:` URLs from one origin and all others from another. */
export function originByScheme({ swarm, others }: { readonly swarm: Reader; readonly others: Origin }): Origin {
  const readerOf = ({ url }: Source) => (isSwarmUrl(url) ? swarm : others)
  const { locate } = others
  return {
    ...(locate && { locate: async (source: Source) => (isSwarmUrl(source.url) ? source : locate(source)) }),
    open: (source, options) => readerOf(source).open(source, options),
    check: (source, options) => readerOf(source).check(source, options),
  }
}

/** The origin of `swarm:` URLs where there is nothing to fall back to. Its calls throw TASK_UNKNOWN. */
export function createNoOrigin(): Reader {
  const refuse = async (): Promise<never> => {
    throw new OriginError('TASK_UNKNOWN', 'neither the supernode nor a peer delivers it, and it has no other origin')
  }
  return { open: refuse, check: refuse }
}
