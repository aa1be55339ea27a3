/** Notes the longest time in which a pull did not move. */
export class Movement {
  readonly #now: () => number
  #last: number
  #longestMs = 0
  #longestFrom: number

  /** @param now in milliseconds */
  constructor(now: () => number) {
    this.#now = now
    this.#last = now()
    this.#longestFrom = this.#last
  }

  /** Something came: the head of an answer, or bytes. */
  moved(): void {
    const now = this.#now()
    if (now - this.#last > this.#longestMs) {
      this.#longestMs = now - this.#last
      this.#longestFrom = this.#last
    }
    this.#last = now
  }

  /** Time since something came. */
  get quietMs(): number {
    return this.#now() - this.#last
  }

  get longestMs(): number {
    return this.#longestMs
  }

  /** When the longest began. */
  get longestFrom(): number {
    return this.#longestFrom
  }
}
