import { LRUCache } from 'lru-cache'
import type { Clock } from '../../clock.ts'

interface Pause {
  /** When the failure was noted that began this pause. */
  readonly notedAt: number
  readonly lengthMs: number
  /** When the next one may try. */
  until: number
}

/** The first pause and the longest; each is twice the one before. */
export interface PauseLengths {
  readonly firstMs: number
  readonly lastMs: number
}

const REMEMBERED_MAX = 1_000

/** Who is left alone for a while after a failure, so that not every request has to find out for itself. */
export class SetAside {
  readonly #clock: Clock
  readonly #lengths: PauseLengths
  readonly #pauses = new LRUCache<string, Pause>({ max: REMEMBERED_MAX })

  constructor(clock: Clock, lengths: PauseLengths) {
    this.#clock = clock
    this.#lengths = lengths
  }

  /** Whether it may be tried now. When a pause ends, one caller may; the others wait for what becomes of that. */
  admits(key: string): boolean {
    const pause = this.#pauses.get(key)
    if (pause === undefined) return true
    if (this.#clock.now() < pause.until) return false
    pause.until = this.#clock.now() + pause.lengthMs
    return true
  }

  /**
   * Notes that a try has failed.
   * @param triedAt when it began, on the clock: of tries that were under way together the first failure counts
   * @returns the length of the pause that begins; undefined when the failure was known
   */
  failed(key: string, triedAt: number): number | undefined {
    const { firstMs, lastMs } = this.#lengths
    const before = this.#pauses.get(key)
    if (before !== undefined && before.notedAt >= triedAt) return undefined
    const notedAt = this.#clock.now()
    const lengthMs = before === undefined ? firstMs : Math.min(before.lengthMs * 2, lastMs)
    this.#pauses.set(key, { notedAt, lengthMs, until: notedAt + lengthMs })
    return lengthMs
  }

  recovered(key: string): void {
    this.#pauses.delete(key)
  }
}
