/** What both ends of a stream begin with, by the specification, and the least that one has. */
export const INITIAL_WINDOW_BYTES = 256 * 1024
/** The largest window that a stream gets. */
export const LARGEST_WINDOW_BYTES = 8 * 1024 * 1024

/** What comes in this time, and in one round trip, is let on its way: enough for a receiver that is busy with other things. */
const AHEAD_MS = 300
/** How fast a stream is, is found out this often: data come in bursts. */
const MEASURE_MS = 100
/** A stream on which nothing came for so long had nothing to send. */
const IDLE_MS = 1_000

/**
 * How much the other end of a stream may still send: what comes in some time, so that a stream never holds itself up; and no more, since
 * all of it may be queueing on a narrow link, where whatever is sent later has to wait for it.
 */
export class ReceiveWindow {
  #windowBytes = INITIAL_WINDOW_BYTES
  /** What the other end may send, as it knows. */
  #openBytes = INITIAL_WINDOW_BYTES
  /** What has come since then. */
  #measuredBytes = 0
  #measuredFromMs: number
  #updatedAtMs: number

  constructor(nowMs: number) {
    this.#measuredFromMs = nowMs
    this.#updatedAtMs = nowMs
  }

  /** Bytes have come. @throws Error when they are more than were allowed */
  received(bytes: number): void {
    if (bytes > this.#openBytes) throw new Error('more data than the window allows')
    this.#openBytes -= bytes
    this.#measuredBytes += bytes
  }

  /** @returns bytes to allow in addition, when these are enough for a message */
  update(nowMs: number, roundTripMs: number): number {
    this.#measure(nowMs, roundTripMs)
    if (this.#openBytes > this.#windowBytes / 2) return 0
    const bytes = this.#windowBytes - this.#openBytes
    this.#openBytes = this.#windowBytes
    return bytes
  }

  #measure(nowMs: number, roundTripMs: number): void {
    const isIdle = nowMs - this.#updatedAtMs > IDLE_MS
    this.#updatedAtMs = nowMs
    const forMs = nowMs - this.#measuredFromMs
    if (forMs < MEASURE_MS) return
    if (!isIdle) {
      const aheadBytes = Math.round((this.#measuredBytes / forMs) * (AHEAD_MS + roundTripMs))
      this.#windowBytes = Math.min(Math.max(INITIAL_WINDOW_BYTES, aheadBytes), LARGEST_WINDOW_BYTES)
    }
    this.#measuredBytes = 0
    this.#measuredFromMs = nowMs
  }
}
