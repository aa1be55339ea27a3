import { Bitfield } from '../../protocol/bitfield.ts'
import type { TaskId } from '../../protocol/task.ts'
import { apply } from '../../supernode/scheduler/apply.ts'
import type { SchedulerEvent } from '../../supernode/scheduler/event.ts'
import { createRandom, nextBelow } from '../../supernode/scheduler/random.ts'
import { createSchedulerState, type SchedulerState } from '../../supernode/scheduler/state.ts'
import type { SchedulerBenchConfig } from './config.ts'
import type { Stopwatch } from './stopwatch.ts'

/**
 * The kinds of events that are timed. A join is two: a peer connects, and enters the swarm. Ready are blocks that may be granted
 * now; an answer is the news of a block that was.
 */
export const EVENT_KINDS = ['joins', 'ready', 'answers', 'haves', 'blocked', 'hungry', 'ticks'] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** In a message of a member about its blocks. */
export const BLOCKS_PER_MESSAGE = 8

const TASK = `sha256:${'b'.repeat(64)}` as TaskId
const BLOCK_BYTES = 1024 * 1024
const ROUND_MS = 100

/** Blocks that spread at the same time, while the next as many are being granted. */
const WINDOW = 64

/** Rounds from one in which members ask for help to the next, and how many then do. */
const ROUNDS_BETWEEN_HELP = 10
const HELPED_AT_ONCE = 1_000

/** A flash crowd, from the first join until every member holds every block. Ticks come once a round. */
export class Workload {
  readonly #config: SchedulerBenchConfig
  readonly #watch: Stopwatch<EventKind>
  readonly #random = createRandom(1)
  #granted: SchedulerEvent[] = []
  #peers: readonly string[] = []
  #state: SchedulerState = createSchedulerState(1)
  #nowMs = 0

  constructor(config: SchedulerBenchConfig, watch: Stopwatch<EventKind>) {
    this.#config = config
    this.#watch = watch
  }

  /** How many members hold everything. */
  get complete(): number {
    const members = [...(this.#state.tasks.get(TASK)?.members.values() ?? [])]
    return members.filter(({ have }) => have.count === this.#config.blocks).length
  }

  /** The task begins and everybody joins. */
  join(): void {
    this.#peers = Array.from({ length: this.#config.peers }, (_, index) => peerName(index))
    this.#apply({ type: 'task-added', task: TASK, blockSizeBytes: BLOCK_BYTES })
    this.#timed(
      'joins',
      this.#peers.flatMap(peer => [
        { type: 'peer-connected', peer, labels: {} },
        { type: 'join', peer, task: TASK, have: new Bitfield(), wants: true, now: 0 },
      ]),
    )
  }

  /** Each block is granted to somebody; then all get it, each in an order of its own, and say so. */
  spread(): void {
    const { blocks } = this.#config
    for (let from = 0; from < blocks; from += BLOCKS_PER_MESSAGE) {
      const upTo = Math.min(blocks, from + BLOCKS_PER_MESSAGE)
      this.#nowMs += ROUND_MS
      const ready = Math.min(blocks, upTo + 2 * WINDOW)
      this.#timed('ready', [{ type: 'blocks-ready', task: TASK, upTo: ready, now: this.#nowMs }])
      while (this.#granted.length > 0) this.#timed('answers', this.#granted.splice(0))
      if (from % (ROUNDS_BETWEEN_HELP * BLOCKS_PER_MESSAGE) === 0) {
        this.#timed('blocked', this.#askForHelp('blocked', from, 1))
        this.#timed('hungry', this.#askForHelp('hungry', from, BLOCKS_PER_MESSAGE))
      }
      const messages = this.#peers.map((peer, index) => this.#have(peer, this.#blocksOf(index, from, upTo)))
      this.#timed('haves', messages)
      this.#timed('ticks', [{ type: 'tick', now: this.#nowMs }])
    }
  }

  #askForHelp(type: 'blocked' | 'hungry', held: number, wanted: number): SchedulerEvent[] {
    return Array.from({ length: HELPED_AT_ONCE }, () => {
      const index = nextBelow(this.#random, this.#peers.length)
      const blocks = this.#blocksOf(index, held, held + wanted)
      return { type, peer: this.#peers[index] ?? '', task: TASK, blocks, now: this.#nowMs }
    })
  }

  #have(peer: string, blocks: readonly number[]): SchedulerEvent {
    return { type: 'have', peer, task: TASK, blocks, now: this.#nowMs }
  }

  /** What a member gets at these places of its own order: within each window another one starts elsewhere. */
  #blocksOf(member: number, from: number, upTo: number): number[] {
    const blocks: number[] = []
    for (let at = from; at < upTo; at++) {
      const start = at - (at % WINDOW)
      const size = Math.min(WINDOW, this.#config.blocks - start)
      blocks.push(start + ((at + member * 37) % size))
    }
    return blocks
  }

  #timed(kind: EventKind, events: readonly SchedulerEvent[]): void {
    this.#watch.start()
    for (const event of events) this.#apply(event)
    this.#watch.stop(kind, events.length)
  }

  #apply(event: SchedulerEvent): void {
    const { state, effects } = apply(this.#state, event)
    this.#state = state
    for (const effect of effects) {
      if (effect.type !== 'grant') continue
      for (const block of effect.blocks) this.#granted.push(this.#have(effect.peer, [block]))
    }
  }
}

/** As long as a PeerId of an Ed25519 key in base58. */
function peerName(index: number): string {
  return `12D3KooW${String(index).padStart(44, 'z')}`
}
