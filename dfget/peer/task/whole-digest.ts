import { createDigester, type Digest, digestAlgorithm } from '../../../protocol/digest.ts'

/** Hashes content from its beginning while its blocks arrive in any order. */
export class WholeDigest {
  readonly #digester
  #next = 0
  #running: Promise<void> | undefined

  /** @param digest says which hash function to use */
  constructor(digest: Digest) {
    this.#digester = createDigester(digestAlgorithm(digest))
  }

  /** How many blocks from the beginning on have been hashed. */
  get hashed(): number {
    return this.#next
  }

  /**
   * Hashes on, as far as `read` gives the pieces of blocks. `read` returns undefined for the first block that is missing.
   * Calls while one is running are that one.
   */
  advance(read: (block: number) => AsyncIterable<Uint8Array> | undefined): Promise<void> {
    this.#running ??= this.#run(read).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** The digest of what was hashed. Ends the computation. */
  digest(): Digest {
    return this.#digester.digest()
  }

  async #run(read: (block: number) => AsyncIterable<Uint8Array> | undefined): Promise<void> {
    for (let pieces = read(this.#next); pieces !== undefined; pieces = read(this.#next)) {
      for await (const piece of pieces) this.#digester.update(piece)
      this.#next++
    }
  }
}
