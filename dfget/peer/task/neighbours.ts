import type { Bitfield } from '../../../protocol/bitfield.ts'
import type { NeighbourView } from '../picker/view.ts'

/** How much of a new measurement goes into a peer's rate. */
const RATE_WEIGHT = 0.3

/** A peer that this node may ask for blocks of one task. */
export class Neighbour implements NeighbourView {
  readonly peer: string
  readonly has: Bitfield
  inFlight = 0
  rateBytesPerMs = 0
  suspect = false
  /** When it stops being a suspect. */
  suspectUntil = 0
  #deliveredAt = 0
  #failures = 0
  #failedAt = Number.NEGATIVE_INFINITY

  constructor(peer: string, has: Bitfield) {
    this.peer = peer
    this.has = has
  }

  /** Notes a delivered block. With several requests waiting, the time counts from the delivery before. */
  delivered(bytes: number, askedAt: number, now: number): void {
    const rate = bytes / Math.max(0.1, now - Math.max(askedAt, this.#deliveredAt))
    this.#deliveredAt = now
    this.#failures = 0
    this.rateBytesPerMs =
      this.rateBytesPerMs === 0 ? rate : this.rateBytesPerMs + RATE_WEIGHT * (rate - this.rateBytesPerMs)
  }

  /** Notes a request that came to nothing; those that one broken stream took with it count once. @returns how many in a row */
  failed(askedAt: number, now: number): number {
    if (askedAt >= this.#failedAt) {
      this.#failures++
      this.#failedAt = now
    }
    return this.#failures
  }

  /** Asks it only when nobody else can be asked, for a while. */
  suspectFor(durationMs: number, now: number): void {
    this.suspect = true
    this.suspectUntil = now + durationMs
  }
}

/** The neighbours of one task. */
export class Neighbours {
  readonly #byPeer = new Map<string, Neighbour>()
  readonly #banned = new Set<string>()

  get(peer: string): Neighbour | undefined {
    return this.#byPeer.get(peer)
  }

  list(): Neighbour[] {
    return [...this.#byPeer.values()]
  }

  /** A peer shows what it holds, for the first time or anew. @returns false for a peer that lied in this task before */
  join(peer: string, have: Bitfield): boolean {
    if (this.#banned.has(peer)) return false
    const known = this.#byPeer.get(peer)
    if (known === undefined) this.#byPeer.set(peer, new Neighbour(peer, have))
    else for (const block of have) known.has.add(block)
    return true
  }

  remove(peer: string): void {
    this.#byPeer.delete(peer)
  }

  /** Has nothing more to do with a peer in this task. */
  ban(peer: string): void {
    this.#banned.add(peer)
    this.#byPeer.delete(peer)
  }

  /** Whether somebody who can be asked holds the block. */
  anyHas(block: number): boolean {
    for (const neighbour of this.#byPeer.values()) if (!neighbour.suspect && neighbour.has.has(block)) return true
    return false
  }

  /** Ends suspicions whose time is over. */
  forgive(now: number): void {
    for (const neighbour of this.#byPeer.values()) {
      if (neighbour.suspect && neighbour.suspectUntil <= now) neighbour.suspect = false
    }
  }
}
