import type { BlockSender } from './account.ts'

interface Arrival {
  readonly sender: BlockSender
  readonly order: number
}

/** Which blocks of a task have come, in which order and from whom. Blocks that were stored before are not among them. */
export class Arrivals {
  readonly #arrivals = new Map<number, Arrival>()
  #count = 0

  /** A moment to compare with: how many blocks have come so far. */
  get mark(): number {
    return this.#count
  }

  add(block: number, sender: BlockSender): void {
    this.#arrivals.set(block, { sender, order: this.#count++ })
  }

  /** Who delivered a block after the mark; the disk where it was here by then. */
  senderSince(mark: number, block: number): BlockSender | 'disk' {
    const arrival = this.#arrivals.get(block)
    return arrival === undefined || arrival.order < mark ? 'disk' : arrival.sender
  }
}
