import type { Assembly } from './assembly.ts'

/** Somebody who reads the content in order. */
export interface Reader {
  /** The block that it needs next. */
  head: number
  release(): void
}

/** The readers of one task. */
export class Readers {
  readonly #readers = new Set<Reader>()

  get count(): number {
    return this.#readers.size
  }

  add(head: number): Reader {
    const reader: Reader = { head, release: () => void this.#readers.delete(reader) }
    this.#readers.add(reader)
    return reader
  }

  /** The blocks that readers need next. */
  heads(): number[] {
    return [...new Set([...this.#readers].map(reader => reader.head))]
  }

  /** The first block that a reader waits for, if any does. Behind the last one it waits for the check of the whole. */
  lowestMissing(assembly: Pick<Assembly, 'has' | 'blockCount'>): number | undefined {
    const end = assembly.blockCount ?? Number.POSITIVE_INFINITY
    const missing = this.heads().filter(head => head < end && !assembly.has(head))
    return missing.length === 0 ? undefined : Math.min(...missing)
  }
}
