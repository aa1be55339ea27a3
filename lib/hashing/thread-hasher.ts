import { availableParallelism } from 'node:os'
import type { BlockDigest } from '../../protocol/block-map.ts'
import type { Digest, DigestAlgorithm } from '../../protocol/digest.ts'
import { HashThread } from './hash-thread.ts'
import type { Hasher, RunningDigest } from './hasher.ts'
import { createInlineHasher } from './inline-hasher.ts'

/** Fewer bytes are hashed sooner than a thread is told of them. */
const MIN_BYTES = 128 * 1024

/**
 * A thread hashes more than a gigabyte a second, and what passes is hashed twice: as a block and as part of the whole. A second one
 * pays where there are processors for both and for what else goes on; each costs some 12 MiB.
 */
const PROCESSORS_FOR_TWO = 4

/** Longer than between two blocks of a pull. */
const REST_AFTER_MS = 3_000

/**
 * Hashes much on threads of its own, if it is in shared memory, and all else at once. The threads begin when they are
 * needed, and end when they are not.
 */
export function createThreadHasher({ restAfterMs = REST_AFTER_MS } = {}): Hasher {
  const inline = createInlineHasher()
  const count = availableParallelism() < PROCESSORS_FOR_TWO ? 1 : 2
  const threads = Array.from({ length: count }, () => new HashThread(restAfterMs))
  let digesters = 0

  function idlest(): HashThread {
    return threads.reduce((a, b) => (b.waiting < a.waiting ? b : a))
  }

  function onThread(algorithm: DigestAlgorithm): RunningDigest {
    const thread = idlest()
    const digester = digesters++
    let run: number | undefined
    const sameRun = () => {
      if (run !== undefined && run !== thread.run) throw new Error('the hash thread has broken')
    }
    return {
      async update(bytes) {
        sameRun()
        const updated = thread.ask<undefined>({ type: 'update', digester, algorithm, bytes })
        run = thread.run
        await updated
      },
      async digest() {
        sameRun()
        return thread.ask<Digest>({ type: 'digest', digester, algorithm })
      },
      abandon: () => thread.tell({ type: 'abandon', digester }),
    }
  }

  return {
    blockDigest: bytes =>
      isForThread(bytes) ? idlest().ask<BlockDigest>({ type: 'block', bytes }) : inline.blockDigest(bytes),
    digester(algorithm) {
      // What begins with a large piece is large: where it is hashed is decided then.
      let running: RunningDigest | undefined
      const begun = (isLarge: boolean) => {
        running ??= isLarge ? onThread(algorithm) : inline.digester(algorithm)
        return running
      }
      return {
        update: bytes => begun(isForThread(bytes)).update(bytes),
        digest: () => begun(false).digest(),
        abandon: () => running?.abandon(),
      }
    },
    async start() {},
    async stop() {
      await Promise.all(threads.map(thread => thread.stop()))
    },
  }
}

function isForThread(bytes: Uint8Array): boolean {
  return bytes.length >= MIN_BYTES && bytes.buffer instanceof SharedArrayBuffer
}
