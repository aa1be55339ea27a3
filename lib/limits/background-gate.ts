import type { Clock } from '../clock.ts'
import type { ByteGate } from './byte-gate.ts'

/** After the last upload that somebody waits for, those in the background wait for so long: the gaps between its blocks are shorter. */
const BUSY_MS = 500
/** Bytes that go out for those who wait, for each in the background. */
const SHARE = 64
const PIECE_BYTES = 64 * 1024
/** Where little goes out for those who wait, a piece goes in this time all the same: nobody shall take the sender for dead. */
const TRICKLE_MS = 500

interface Waiter {
  readonly maxBytes: number
  readonly resolve: (bytes: number) => void
}

/**
 * Holds back uploads that nobody waits for while there are others: they get a small part of what the others get, in little pieces, one block
 * after the other.
 */
export class BackgroundGate implements ByteGate {
  readonly #clock: Pick<Clock, 'now' | 'after'>
  readonly #queue: Waiter[] = []
  /** Uploads that somebody waits for. */
  #awaited = 0
  #busyUntilMs = Number.NEGATIVE_INFINITY
  #creditBytes = 0
  #pieceAtMs = Number.NEGATIVE_INFINITY
  #cancel = () => {}

  constructor(clock: Pick<Clock, 'now' | 'after'>) {
    this.#clock = clock
  }

  get open(): boolean {
    return this.#queue.length === 0 && !this.#isBusy
  }

  /** Somebody is about to ask for what is waited for: what is on its way until then would come before it. */
  expect(): void {
    this.#busyUntilMs = this.#clock.now() + BUSY_MS
  }

  /** An upload that somebody waits for begins. @returns to be called at its end */
  awaited(): () => void {
    this.#awaited++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#awaited--
      this.#busyUntilMs = this.#clock.now() + BUSY_MS
      this.#serve()
    }
  }

  /** So many bytes of uploads that somebody waits for go out. */
  sent(bytes: number): void {
    this.#creditBytes = Math.min(this.#creditBytes + bytes / SHARE, PIECE_BYTES)
    this.#serve()
  }

  /** @param options.goesOn whether it is the rest of a block: those come first, so that blocks get whole */
  async take(maxBytes: number, signal: AbortSignal, { goesOn = false } = {}): Promise<number> {
    if (signal.aborted) return 0
    if (this.open) return maxBytes
    const { promise, resolve } = Promise.withResolvers<number>()
    const waiter: Waiter = { maxBytes, resolve }
    const abandon = () => {
      const at = this.#queue.indexOf(waiter)
      if (at >= 0) this.#queue.splice(at, 1)
      resolve(0)
      this.#serve()
    }
    signal.addEventListener('abort', abandon)
    if (goesOn) this.#queue.unshift(waiter)
    else this.#queue.push(waiter)
    this.#serve()
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abandon)
    }
  }

  get #isBusy(): boolean {
    return this.#awaited > 0 || this.#clock.now() < this.#busyUntilMs
  }

  #serve(): void {
    this.#cancel()
    this.#cancel = () => {}
    if (!this.#isBusy) {
      for (const { maxBytes, resolve } of this.#queue.splice(0)) resolve(maxBytes)
      return
    }
    const nowMs = this.#clock.now()
    if (this.#creditBytes >= PIECE_BYTES || nowMs - this.#pieceAtMs >= TRICKLE_MS) this.#give(nowMs)
    if (this.#queue.length === 0) return
    const pieceInMs = this.#pieceAtMs + TRICKLE_MS - nowMs
    const freeInMs = this.#awaited > 0 ? Number.POSITIVE_INFINITY : this.#busyUntilMs - nowMs
    this.#cancel = this.#clock.after(Math.min(pieceInMs, freeInMs), () => this.#serve())
  }

  #give(nowMs: number): void {
    const waiter = this.#queue.shift()
    if (waiter === undefined) return
    this.#creditBytes = 0
    this.#pieceAtMs = nowMs
    waiter.resolve(Math.min(PIECE_BYTES, waiter.maxBytes))
  }
}
