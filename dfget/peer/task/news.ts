import type { Clock } from '../../../lib/clock.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { InventoryLinks } from '../swarm/inventory-links.ts'
import type { SupernodeLink } from '../swarm/supernode-link.ts'

export interface NewsComponents {
  readonly supernode: Pick<SupernodeLink, 'send'>
  readonly links: Pick<InventoryLinks, 'tell'>
  readonly clock: Pick<Clock, 'now' | 'after'>
}

/** Neighbours, and the supernode about a block that it waits for, are told at once, but not sooner than this after the last time. */
export const NEWS_EVERY_MS = 10
/** The rest helps the supernode only to know who holds what: with thousands of peers each message of each of them counts. */
export const REPORT_WITHIN_MS = 500
/** Whatever comes first: so many blocks are told at once. */
export const MAX_NEWS_BLOCKS = 256

/** Tells the neighbours in a task and the supernode which blocks have come, in batches. */
export class News {
  readonly #neighbours: Batch
  readonly #supernode: Batch

  constructor({ supernode, links, clock }: NewsComponents, task: TaskId) {
    this.#neighbours = new Batch(clock, blocks => links.tell(task, 'have', blocks))
    this.#supernode = new Batch(clock, blocks => supernode.send({ type: 'have', task, blocks }))
  }

  /** @param awaited whether the supernode granted the block, and waits to hear that it is here */
  stored(block: number, { awaited }: { readonly awaited: boolean }): void {
    this.#neighbours.addPromptly(block)
    if (awaited) this.#supernode.addPromptly(block)
    else this.#supernode.add(block, REPORT_WITHIN_MS)
  }

  /** Tells everybody at once what has come since the last time. */
  tellNow(): void {
    this.#neighbours.send()
    this.#supernode.send()
  }

  stop(): void {
    this.#neighbours.stop()
    this.#supernode.stop()
  }
}

/** Blocks that are told together, when the one that is due first is due or they are many. */
class Batch {
  readonly #clock: NewsComponents['clock']
  readonly #tell: (blocks: number[]) => void
  #blocks: number[] = []
  #dueAt = Number.POSITIVE_INFINITY
  #toldAt = Number.NEGATIVE_INFINITY
  #cancel = () => {}

  constructor(clock: NewsComponents['clock'], tell: (blocks: number[]) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  addPromptly(block: number): void {
    this.add(block, Math.max(0, this.#toldAt + NEWS_EVERY_MS - this.#clock.now()))
  }

  add(block: number, withinMs: number): void {
    this.#blocks.push(block)
    if (this.#blocks.length >= MAX_NEWS_BLOCKS) {
      this.send()
      return
    }
    const dueAt = this.#clock.now() + withinMs
    if (dueAt >= this.#dueAt) return
    this.#cancel()
    this.#dueAt = dueAt
    this.#cancel = this.#clock.after(withinMs, () => this.send())
  }

  send(): void {
    this.stop()
    const blocks = this.#blocks
    this.#blocks = []
    if (blocks.length === 0) return
    this.#toldAt = this.#clock.now()
    this.#tell(blocks)
  }

  stop(): void {
    this.#cancel()
    this.#dueAt = Number.POSITIVE_INFINITY
  }
}
