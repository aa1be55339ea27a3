/**
 * The bytes of one block, in memory that is used again. Whoever is handed a buffer holds it until it calls `release`, and must
 * not touch the bytes afterwards. A hold that is never released costs nothing but the reuse.
 */
export interface BlockBuffer {
  readonly bytes: Uint8Array
  /** Takes another hold. */
  retain(): void
  /** Gives one hold back. */
  release(): void
}

/** Smaller blocks are worth neither keeping nor sharing. */
const MIN_POOLED_BYTES = 64 * 1024

/**
 * Kept for later: more than what comes and goes while blocks are received, hashed, stored and read. The collector does not see how large shared
 * memory is: what is thrown away stays for a long time, and what is new has to be got from the kernel page by page.
 */
const KEPT_BYTES = 16 * 1024 * 1024
/** Kept of large blocks: with four of 4 MiB a peer takes 320 to 540 MiB in place of 220 (`npm run bench -- transfer --size 4GiB`). */
const KEPT_BLOCKS = 8

/** Memory for blocks, shared with the threads that hash them; used again, it is what is in flight and no more. */
export class BlockBuffers {
  #maxFreeBytes: number
  /** What was given back last stands last. */
  readonly #free: SharedArrayBuffer[] = []
  #freeBytes = 0
  /** The least that has been free since the last trim. */
  #idleBytes = 0

  /** @param keptBytes most memory to keep for later, as long as eight of the largest blocks take no more */
  constructor(keptBytes = KEPT_BYTES) {
    this.#maxFreeBytes = keptBytes
  }

  /** Memory for a block, with whatever was in it before. Held once. */
  take(lengthBytes: number): BlockBuffer {
    if (lengthBytes < MIN_POOLED_BYTES) return ownBuffer(new Uint8Array(lengthBytes))
    const capacity = 2 ** Math.ceil(Math.log2(lengthBytes))
    this.#maxFreeBytes = Math.max(this.#maxFreeBytes, KEPT_BLOCKS * capacity)
    return this.#held(this.#takeFree(capacity) ?? new SharedArrayBuffer(capacity), lengthBytes)
  }

  /** To be called now and then: gives back to the system what has not been needed since the last call. */
  trim(): void {
    for (let bytes = this.#idleBytes; bytes > 0; ) bytes -= this.#dropOldest()
    this.#idleBytes = this.#freeBytes
  }

  #takeFree(capacity: number): SharedArrayBuffer | undefined {
    const at = this.#free.findLastIndex(({ byteLength }) => byteLength === capacity)
    if (at < 0) return undefined
    this.#freeBytes -= capacity
    this.#idleBytes = Math.min(this.#idleBytes, this.#freeBytes)
    return this.#free.splice(at, 1)[0]
  }

  /** @returns how many bytes were dropped */
  #dropOldest(): number {
    const bytes = this.#free.shift()?.byteLength ?? 0
    this.#freeBytes -= bytes
    this.#idleBytes = Math.min(this.#idleBytes, this.#freeBytes)
    return bytes
  }

  #held(memory: SharedArrayBuffer, lengthBytes: number): BlockBuffer {
    let holds = 1
    return {
      bytes: new Uint8Array(memory, 0, lengthBytes),
      retain: () => void holds++,
      release: () => {
        if (--holds === 0) this.#giveBack(memory)
      },
    }
  }

  #giveBack(memory: SharedArrayBuffer): void {
    this.#free.push(memory)
    this.#freeBytes += memory.byteLength
    while (this.#freeBytes > this.#maxFreeBytes) this.#dropOldest()
  }
}

/** Bytes that are not used again, in the form of those that are. */
export function ownBuffer(bytes: Uint8Array): BlockBuffer {
  return { bytes, retain() {}, release() {} }
}
