import { createRandom, nextRandom, type RandomState } from '../../../supernode/scheduler/random.ts'
import type { EventQueue, SimulatedEvent } from './event-queue.ts'
import { shareOut } from './share-out.ts'

/** Something with a capacity that flows share: one direction of a node's network card, or of what joins two zones. */
export interface Pipe {
  /** Bytes per millisecond. */
  capacity: number
  readonly flows: Flow[]
  /** Whether its shares are to be worked out again. */
  stale: boolean
}

/** A pipe that nothing flows through yet. */
export function createPipe(bytesPerMs: number): Pipe {
  return { capacity: bytesPerMs, flows: [], stale: false }
}

/** A change of a flow's rate by less than this share is not told to its other pipes. */
const NOTEWORTHY = 0.01

/** Pipes worked out anew after one change, at most: changes die down with the distance. */
const MAX_RIPPLE = 96

/** Bytes on their way through some pipes, one load after the other. */
export class Flow implements SimulatedEvent {
  readonly pipes: readonly Pipe[]
  /** What each pipe lets it have, in bytes per ms. */
  readonly shares: number[]
  /** Among flows that share a pipe, this one gets so many parts. */
  weight = 1
  rate = 0
  active = false
  #queue: EventQueue
  #onDone: () => void
  #leftBytes = 0
  #sinceMs = 0
  #dueMs = Number.POSITIVE_INFINITY
  #version = 0

  constructor(queue: EventQueue, pipes: readonly Pipe[], onDone: () => void) {
    this.#queue = queue
    this.#onDone = onDone
    this.pipes = pipes
    this.shares = pipes.map(() => 0)
  }

  /** Begins a load, or follows one up: then the rate stays as it is. */
  load(bytes: number): void {
    this.#leftBytes = bytes
    this.#sinceMs = this.#queue.nowMs
    this.#version++
    this.#dueMs = Number.POSITIVE_INFINITY
    this.#schedule()
  }

  setRate(rate: number): void {
    const nowMs = this.#queue.nowMs
    this.#leftBytes -= this.rate * (nowMs - this.#sinceMs)
    this.#sinceMs = nowMs
    this.rate = rate
    this.#schedule()
  }

  /** Forgets the load. */
  unload(): void {
    this.#version++
    this.#dueMs = Number.POSITIVE_INFINITY
  }

  // A later end is noticed when the earlier one comes up, so that only sooner ends cost an event.
  #schedule(): void {
    const dueMs = this.rate > 0 ? this.#sinceMs + Math.max(0, this.#leftBytes) / this.rate : Number.POSITIVE_INFINITY
    if (dueMs < this.#dueMs) this.#queue.after(dueMs - this.#queue.nowMs, this, ++this.#version)
    else if (this.#dueMs === Number.POSITIVE_INFINITY) return
    this.#dueMs = dueMs
  }

  run(version: number): void {
    if (version !== this.#version || !this.active) return
    const nowMs = this.#queue.nowMs
    if (this.rate > 0 && this.#dueMs > nowMs + 1e-6) {
      this.#queue.after(this.#dueMs - nowMs, this, ++this.#version)
      return
    }
    if (this.rate <= 0) {
      this.#dueMs = Number.POSITIVE_INFINITY
      return
    }
    this.#leftBytes = 0
    this.#sinceMs = nowMs
    this.#onDone()
  }
}

export interface FlowNetworkInit {
  /** The standard deviation of the natural logarithm of a load's weight; 0 where all weigh the same. */
  readonly unfairness: number
  readonly seed: number
}

/**
 * Flows through shared pipes, max-min fair for their weights, as TCP is about: no flow can have more without another, that has
 * less, having less still. The shares are worked out by the exchange of advertised rates (Charny, Clark, Jain, ICC 1995), near what has changed.
 */
export class FlowNetwork {
  readonly #stale: Pipe[] = []
  readonly #limits: number[] = []
  readonly #unfairness: number
  readonly #random: RandomState

  constructor({ unfairness, seed }: FlowNetworkInit) {
    this.#unfairness = unfairness
    this.#random = createRandom(seed)
  }

  /** Begins a flow's load. */
  start(flow: Flow, bytes: number): void {
    if (this.#unfairness > 0) this.#weigh(flow)
    if (!flow.active) {
      flow.active = true
      flow.rate = 0
      flow.pipes.forEach((pipe, at) => {
        pipe.flows.push(flow)
        flow.shares[at] = pipe.capacity
        this.#touch(pipe)
      })
      flow.load(bytes)
    } else flow.load(bytes)
    this.#settle()
  }

  /** Ends a flow: others get its share. */
  stop(flow: Flow): void {
    if (!flow.active) return
    flow.active = false
    flow.unload()
    flow.rate = 0
    for (const pipe of flow.pipes) {
      const at = pipe.flows.indexOf(flow)
      const last = pipe.flows.pop()
      if (last !== undefined && last !== flow) pipe.flows[at] = last
      this.#touch(pipe)
    }
    this.#settle()
  }

  setCapacity(pipe: Pipe, bytesPerMs: number): void {
    pipe.capacity = bytesPerMs
    this.#touch(pipe)
    this.#settle()
  }

  #weigh(flow: Flow): void {
    flow.weight = Math.exp(this.#unfairness * normal(this.#random))
    if (flow.active) for (const pipe of flow.pipes) this.#touch(pipe)
  }

  #touch(pipe: Pipe): void {
    if (pipe.stale) return
    pipe.stale = true
    this.#stale.push(pipe)
  }

  #settle(): void {
    for (let at = 0; at < this.#stale.length; at++) {
      const pipe = this.#stale[at]
      if (pipe === undefined) break
      pipe.stale = false
      this.#workOut(pipe, at < MAX_RIPPLE)
    }
    this.#stale.length = 0
  }

  #workOut(pipe: Pipe, tell: boolean): void {
    const { flows } = pipe
    if (flows.length === 0) return
    const share = shareOut(pipe, this.#limits)
    for (let index = 0; index < flows.length; index++) {
      const flow = flows[index]
      if (flow === undefined) continue
      const { pipes, shares } = flow
      const own = share * flow.weight
      let rate = own
      for (let at = 0; at < pipes.length; at++) {
        if (pipes[at] === pipe) shares[at] = own
        else if ((shares[at] ?? 0) < rate) rate = shares[at] ?? 0
      }
      const before = flow.rate
      if (rate === before) continue
      flow.setRate(rate)
      if (!tell || Math.abs(rate - before) <= NOTEWORTHY * before) continue
      for (let at = 0; at < pipes.length; at++) {
        const other = pipes[at]
        if (other !== undefined && other !== pipe) this.#touch(other)
      }
    }
  }
}

/** From the standard normal distribution (Box and Muller, Annals of Mathematical Statistics 29, 1958). */
function normal(random: RandomState): number {
  const [first, second] = [(nextRandom(random) + 1) / 2 ** 32, nextRandom(random) / 2 ** 32]
  return Math.sqrt(-2 * Math.log(first)) * Math.cos(2 * Math.PI * second)
}
