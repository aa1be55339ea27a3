import type { AccessCheck } from '../access.ts'
import type { Origin } from '../origin.ts'
import { type MirroredBlob, openMirrored } from './mirrored-read.ts'
import type { Mirrors } from './mirrors.ts'

export interface MirroredOriginComponents {
  /** Reads from the registries themselves. */
  readonly origin: Origin
  /** Reads from mirrors. */
  readonly reader: Pick<Origin, 'open'>
  /** Asks the registries themselves who may read. */
  readonly access: Pick<AccessCheck, 'check'>
  readonly mirrors: Mirrors
}

/**
 * Reads blobs from the mirrors of their registry before the registry itself. Whether a requester may read is still the
 * registry's to say (decision 0007).
 */
export function createMirroredOrigin(components: MirroredOriginComponents): Origin {
  const { origin, access, mirrors } = components

  function blobAt(url: string): MirroredBlob | undefined {
    const found = mirrors.at(url)
    return found?.kind === 'blob' && found.digest !== undefined ? { ...found, digest: found.digest } : undefined
  }

  return {
    async open(source, options = {}) {
      const blob = blobAt(source.url)
      if (blob === undefined) return origin.open(source, options)
      const { sizeBytes } = await access.check(source, { allowStale: true, signal: options.signal })
      return openMirrored(components, source, { blob, sizeBytes, options })
    },
    check: (source, options = {}) =>
      blobAt(source.url) === undefined
        ? origin.check(source, options)
        : access.check(source, { allowStale: true, signal: options.signal }),
  }
}
