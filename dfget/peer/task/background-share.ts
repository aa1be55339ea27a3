import type { BlockRequest } from '../picker/state.ts'

/** For so long after the last sign of it a node counts as busy with what somebody waits for: the gaps between blocks and layers are shorter. */
const BUSY_MS = 2_000
/** After a background block a busy node asks for none for so many times as long as that took: background has a small part of the time. */
const REST_TIMES = 40
const MIN_REST_MS = 100
/** A short pull is not to be held up at all. */
const FIRST_REST_MS = 1_000

/** What downloads that nobody waits for may ask for while a node is busy with others: one block now and then, all of them together. */
export class BackgroundShare {
  #busyUntilMs = Number.NEGATIVE_INFINITY
  #restUntilMs = Number.NEGATIVE_INFINITY
  #open: BlockRequest | undefined

  /** Somebody waits for blocks that are under way or could be. @returns whether that is news */
  awaited(nowMs: number): boolean {
    const isNews = !this.isBusy(nowMs)
    if (isNews) this.#restUntilMs = nowMs + FIRST_REST_MS
    this.#busyUntilMs = nowMs + BUSY_MS
    return isNews
  }

  isBusy(nowMs: number): boolean {
    return nowMs < this.#busyUntilMs
  }

  /** Whether a background block may be asked for although the node is busy. */
  hasTurn(nowMs: number): boolean {
    return this.#open === undefined && nowMs >= this.#restUntilMs
  }

  /** One was asked for in that turn. */
  asked(request: BlockRequest): void {
    this.#open = request
  }

  /** To be called with each request whose bytes are here, or which ended without. */
  ended(request: BlockRequest, nowMs: number): void {
    if (request !== this.#open) return
    this.#open = undefined
    this.#restUntilMs = nowMs + Math.max(MIN_REST_MS, REST_TIMES * (nowMs - request.askedAtMs))
  }
}
