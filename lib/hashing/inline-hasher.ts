import { blockDigestOf } from '../../protocol/block-map.ts'
import { createDigester } from '../../protocol/digest.ts'
import type { Hasher } from './hasher.ts'

/** Hashes at once, on the thread that asks: for little, and for tests. */
export function createInlineHasher(): Hasher {
  return {
    blockDigest: async bytes => blockDigestOf(bytes),
    digester(algorithm) {
      const digester = createDigester(algorithm)
      return {
        update: async bytes => digester.update(bytes),
        digest: async () => digester.digest(),
        abandon() {},
      }
    },
    async start() {},
    async stop() {},
  }
}
