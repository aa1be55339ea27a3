import { createRandom, nextBelow, nextRandom, type RandomState } from '../../../supernode/scheduler/random.ts'

/** Draws from one pseudo-random stream, so that a seed and the order of the draws decide everything. */
export class Draw {
  readonly #state: RandomState

  /** @param purpose makes streams of one seed independent of each other */
  constructor(seed: number, purpose: string) {
    let mixed = seed
    for (const letter of purpose) mixed = Math.imul(mixed ^ letter.charCodeAt(0), 0x01000193)
    this.#state = createRandom(mixed)
  }

  /** An integer, `from` ≤ result < `to`. */
  between(from: number, to: number): number {
    return from + nextBelow(this.#state, to - from)
  }

  /** A number with 0 ≤ result < 1. */
  fraction(): number {
    return nextRandom(this.#state) / 2 ** 32
  }

  /** One of them. @throws Error when there is none */
  oneOf<T>(choices: readonly T[]): T {
    const chosen = choices[nextBelow(this.#state, choices.length)]
    if (chosen === undefined) throw new Error('nothing to choose from')
    return chosen
  }

  /** All of them, in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    return items
      .map(item => ({ item, key: nextRandom(this.#state) }))
      .sort((a, b) => a.key - b.key)
      .map(({ item }) => item)
  }
}
