import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { Hasher, RunningDigest } from '../../../lib/hashing/hasher.ts'
import { type Digest, digestAlgorithm } from '../../../protocol/digest.ts'

/** What may wait for its turn while a block is hashed. Where nothing waits the hash lags, and its next block is no longer in memory. */
const AHEAD_BYTES = 3 * 1024 * 1024

/** Hashes content from its beginning while its blocks arrive in any order. */
export class WholeDigest {
  readonly #digester: RunningDigest
  #next = 0
  #running: Promise<void> | undefined

  /** @param digest says which hash function to use */
  constructor(hasher: Hasher, digest: Digest) {
    this.#digester = hasher.digester(digestAlgorithm(digest))
  }

  /** How many blocks from the beginning on have been hashed, once `advance` has resolved. */
  get hashed(): number {
    return this.#next
  }

  /**
   * Hashes on, as far as `read` gives blocks, which are released afterwards. `read` returns undefined for the first block that is
   * missing. Calls while one is running are that one.
   */
  advance(read: (block: number) => Promise<BlockBuffer> | undefined): Promise<void> {
    this.#running ??= this.#run(read).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** The digest of what was hashed. Ends the computation. */
  digest(): Promise<Digest> {
    return this.#digester.digest()
  }

  /** Ends a computation that nobody needs any more. */
  abandon(): void {
    this.#digester.abandon()
  }

  async #run(read: (block: number) => Promise<BlockBuffer> | undefined): Promise<void> {
    const updates: Promise<void>[] = []
    try {
      for (let reading = read(this.#next); reading !== undefined; reading = read(this.#next)) {
        const block = await reading
        const updated = this.#digester.update(block.bytes).finally(() => block.release())
        // It may fail while the next block is being read, before anybody waits for it.
        updated.catch(() => {})
        updates.push(updated)
        this.#next++
        if (updates.length > AHEAD_BYTES / block.bytes.length) await updates.shift()
      }
      await Promise.all(updates)
    } catch (error) {
      await Promise.allSettled(updates)
      throw error
    }
  }
}
