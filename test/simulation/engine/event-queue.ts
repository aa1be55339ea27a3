/** Something that happens at a time of the virtual clock. `tag` is what was given when it was scheduled. */
export interface SimulatedEvent {
  run(tag: number): void
}

const FIRST_CAPACITY = 1024
const ARITY = 4

/**
 * A virtual clock with what is still to happen: a 4-ary heap on typed arrays. Events of the same time happen in the order in
 * which they were scheduled, so that a run depends on nothing but its seed.
 */
export class EventQueue {
  /** Milliseconds since the run began. */
  nowMs = 0
  #times = new Float64Array(FIRST_CAPACITY)
  #orders = new Float64Array(FIRST_CAPACITY)
  #tags = new Int32Array(FIRST_CAPACITY)
  readonly #events: SimulatedEvent[] = []
  #scheduled = 0

  /** Has an event happen `delayMs` from now. */
  after(delayMs: number, event: SimulatedEvent, tag = 0): void {
    let at = this.#events.length
    if (at === this.#times.length) this.#grow()
    this.#events.push(event)
    const timeMs = this.nowMs + Math.max(0, delayMs)
    const order = this.#scheduled++
    while (at > 0) {
      const parent = ((at - 1) / ARITY) | 0
      if (!this.#isBefore(timeMs, order, parent)) break
      this.#move(parent, at)
      at = parent
    }
    this.#put(at, timeMs, order, tag, event)
  }

  /** Lets the next event happen. @returns whether there was one */
  step(): boolean {
    const first = this.#events[0]
    if (first === undefined) return false
    const tag = this.#tags[0] ?? 0
    this.nowMs = this.#times[0] ?? 0
    this.#removeFirst()
    first.run(tag)
    return true
  }

  #removeFirst(): void {
    const last = this.#events.length - 1
    const event = this.#events[last]
    if (event === undefined) return
    const timeMs = this.#times[last] ?? 0
    const order = this.#orders[last] ?? 0
    const tag = this.#tags[last] ?? 0
    this.#events.length = last
    if (last === 0) return
    let at = 0
    for (;;) {
      let child = at * ARITY + 1
      if (child >= last) break
      const end = Math.min(child + ARITY, last)
      for (let other = child + 1; other < end; other++) {
        if (this.#isBefore(this.#times[other] ?? 0, this.#orders[other] ?? 0, child)) child = other
      }
      if (this.#isBefore(timeMs, order, child)) break
      this.#move(child, at)
      at = child
    }
    this.#put(at, timeMs, order, tag, event)
  }

  #isBefore(timeMs: number, order: number, at: number): boolean {
    const other = this.#times[at] ?? 0
    return timeMs < other || (timeMs === other && order < (this.#orders[at] ?? 0))
  }

  #move(from: number, to: number): void {
    const event = this.#events[from]
    if (event !== undefined)
      this.#put(to, this.#times[from] ?? 0, this.#orders[from] ?? 0, this.#tags[from] ?? 0, event)
  }

  #put(at: number, timeMs: number, order: number, tag: number, event: SimulatedEvent): void {
    this.#times[at] = timeMs
    this.#orders[at] = order
    this.#tags[at] = tag
    this.#events[at] = event
  }

  #grow(): void {
    const capacity = this.#times.length * 2
    const times = new Float64Array(capacity)
    times.set(this.#times)
    this.#times = times
    const orders = new Float64Array(capacity)
    orders.set(this.#orders)
    this.#orders = orders
    const tags = new Int32Array(capacity)
    tags.set(this.#tags)
    this.#tags = tags
  }
}
