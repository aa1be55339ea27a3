/** What both ends of a stream begin with, by the specification. */
export const INITIAL_WINDOW_BYTES = 256 * 1024

const FIRST_WINDOW_BYTES = 1024 * 1024
/** The largest window that a stream gets. */
export const LARGEST_WINDOW_BYTES = 8 * 1024 * 1024

/** A sender that uses up half of a window faster than this many round trips is held up by it. */
const FAST_ROUND_TRIPS = 2

/** How much the other end of a stream may still send. Grows where the way is long and fast. */
export class ReceiveWindow {
  #windowBytes = FIRST_WINDOW_BYTES
  /** What the other end may send, as it knows. */
  #openBytes = INITIAL_WINDOW_BYTES
  #updatedAtMs: number

  constructor(nowMs: number) {
    this.#updatedAtMs = nowMs
  }

  /** @returns bytes to allow at once, in addition to what the specification does */
  open(): number {
    this.#openBytes = this.#windowBytes
    return FIRST_WINDOW_BYTES - INITIAL_WINDOW_BYTES
  }

  /** Bytes have come. @throws Error when they are more than were allowed */
  received(bytes: number): void {
    if (bytes > this.#openBytes) throw new Error('more data than the window allows')
    this.#openBytes -= bytes
  }

  /** @returns bytes to allow in addition, when these are enough for a message */
  update(nowMs: number, roundTripMs: number): number {
    if (this.#openBytes > this.#windowBytes / 2) return 0
    if (nowMs - this.#updatedAtMs < FAST_ROUND_TRIPS * roundTripMs) {
      this.#windowBytes = Math.min(this.#windowBytes * 2, LARGEST_WINDOW_BYTES)
    }
    this.#updatedAtMs = nowMs
    const bytes = this.#windowBytes - this.#openBytes
    this.#openBytes = this.#windowBytes
    return bytes
  }
}
