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
 * Memory for blocks, shared with the threads that hash them. Blocks live long enough to get into V8's old generation, which is
 * collected only every 64 MiB or so of them; used again instead, they cost what is in flight and no more.
 */
export class BlockBuffers {
  readonly #free = new Map<number, SharedArrayBuffer[]>()
  readonly #maxFreeBytes: number
  #freeBytes = 0

  /** @param maxFreeBytes most memory to keep for later */
  constructor(maxFreeBytes = 8 * 1024 * 1024) {
    this.#maxFreeBytes = maxFreeBytes
  }

  /** Memory for a block, with whatever was in it before. Held once. */
  take(lengthBytes: number): BlockBuffer {
    if (lengthBytes < MIN_POOLED_BYTES) return ownBuffer(new Uint8Array(lengthBytes))
    const capacity = 2 ** Math.ceil(Math.log2(lengthBytes))
    const used = this.#free.get(capacity)?.pop()
    if (used !== undefined) this.#freeBytes -= capacity
    return this.#held(used ?? new SharedArrayBuffer(capacity), lengthBytes)
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
    const capacity = memory.byteLength
    if (this.#freeBytes + capacity > this.#maxFreeBytes) return
    this.#freeBytes += capacity
    const free = this.#free.get(capacity)
    if (free === undefined) this.#free.set(capacity, [memory])
    else free.push(memory)
  }
}

/** Bytes that are not used again, in the form of those that are. */
export function ownBuffer(bytes: Uint8Array): BlockBuffer {
  return { bytes, retain() {}, release() {} }
}
