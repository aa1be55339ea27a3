import { createDownload } from '../../../dfget/peer/picker/download.ts'
import { fillDownload, fillNeighbour } from '../../../dfget/peer/picker/fill.ts'
import { hungryFor } from '../../../dfget/peer/picker/hunger.ts'
import { lackingFrom } from '../../../dfget/peer/picker/lacking.ts'
import { hasRoom, linkTo } from '../../../dfget/peer/picker/link.ts'
import {
  addHoldings,
  addNeighbour,
  endDownload,
  isOffered,
  lackedBy,
  removeNeighbour,
} from '../../../dfget/peer/picker/neighbours.ts'
import { chooseOriginBlock, onlyOriginHas } from '../../../dfget/peer/picker/origin.ts'
import { blockStored, closeRequest } from '../../../dfget/peer/picker/requests.ts'
import type { BlockRequest, Download, Neighbour } from '../../../dfget/peer/picker/state.ts'
import { MAX_NEWS_BLOCKS, NEWS_EVERY_MS, REPORT_WITHIN_MS } from '../../../dfget/peer/task/news.ts'
import { StallWatch } from '../../../dfget/peer/task/stall-watch.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'
import type { SimulatedEvent } from '../engine/event-queue.ts'
import { SUPERNODE } from './names.ts'
import type { Membership, Node } from './parts.ts'
import type { SimulatedTask } from './task.ts'

/** What a session's own events are about. */
const NEWS_TOLD = 0
const REPORT_DUE = 1
const TICK = 2

const TICK_MS = 100
/** A control message, the dial of a peer and its answer. */
const DIAL_TRIPS = 4

/** One download of a simulated peer: the production picker, with everything around it simulated. */
export class Session implements SimulatedEvent, Membership {
  readonly peer: Node
  readonly task: SimulatedTask
  readonly have: Bitfield
  readonly download: Download
  /** As what this peer is known to others, by the peer that knows it. */
  readonly knownAs = new Map<Membership, Neighbour>()
  completeAtMs: number | undefined
  #head = 0
  #news: number[] = []
  /** When each of them came. */
  #newsAtMs: number[] = []
  #toldAtMs = Number.NEGATIVE_INFINITY
  #reportedAtMs = Number.NEGATIVE_INFINITY
  #report: number[] = []
  #reportDue = false
  readonly #granted = new Set<number>()
  readonly #dialling = new Set<Membership>()
  readonly #banned = new Set<Membership>()
  readonly #stall: StallWatch
  #deliveredAtMs: number
  #readsOrigin = false

  constructor(peer: Node, task: SimulatedTask) {
    this.peer = peer
    this.task = task
    this.have = task.emptyInventory()
    const { queue, spec } = peer.world
    this.download = createDownload({
      have: this.have,
      blockSizeBytes: task.spec.blockBytes,
      supernode: linkTo(peer.links, SUPERNODE),
      seed: (spec.seed * 7919 + peer.index * 104_729) | 0,
    })
    this.download.heads = [0]
    this.#stall = new StallWatch(peer.world.clock)
    this.#stall.joined()
    this.#deliveredAtMs = queue.nowMs
    queue.after(TICK_MS, this, TICK)
  }

  get complete(): boolean {
    return this.completeAtMs !== undefined
  }

  run(tag: number): void {
    if (!this.peer.alive) return
    if (tag === NEWS_TOLD) this.#newsArrives()
    else if (tag === REPORT_DUE) this.#sendReport()
    else this.#tick()
  }

  /** The supernode says how much of the task it has. */
  mapGrew(blockCount: number): void {
    this.download.blockCount = blockCount
    this.download.mapComplete = blockCount === this.task.blockCount
  }

  granted(blocks: readonly number[]): void {
    if (!this.peer.alive || this.complete) return
    for (const block of blocks) {
      if (this.have.has(block)) continue
      this.#granted.add(block)
      this.download.grants.add(block)
    }
    this.peer.send(fillNeighbour(this.download.supernode, this.peer.world.queue.nowMs))
  }

  /** The supernode wants two peers to be neighbours. */
  connect(other: Membership): void {
    this.#dialling.add(other)
    this.peer.world.later(DIAL_TRIPS, () => {
      if (!this.#dialling.delete(other)) return
      if (!this.peer.alive || !other.peer.alive || this.#banned.has(other) || other.hasBanned(this)) return
      this.meet(other)
      other.meet(this)
    })
  }

  /** The two are neighbours no longer; what is on its way still comes. */
  part(other: Membership): void {
    this.#dialling.delete(other)
    this.forget(other)
    other.forget(this)
  }

  /** The other is gone, and what it was asked for with it. */
  lose(other: Membership): void {
    for (const request of this.forget(other)) closeRequest(request)
    this.fill()
  }

  fill(): void {
    if (!this.complete && this.peer.alive) this.peer.send(fillDownload(this.download, this.peer.world.queue.nowMs))
  }

  /** A block has come, as it should be. @returns whether it was needed */
  stored(block: number): boolean {
    if (!this.have.add(block)) return false
    const { queue } = this.peer.world
    this.#deliveredAtMs = queue.nowMs
    this.#stall.progress()
    this.task.holders[block] = (this.task.holders[block] ?? 0) + 1
    for (const request of blockStored(this.download, block)) this.peer.cancel(request)
    if (block === this.#head) {
      this.#head = this.have.firstClear(block)
      this.download.heads = [this.#head]
    }
    if (this.have.count === this.task.blockCount) this.#end()
    this.#note(block)
    return true
  }

  hasBanned(other: Membership): boolean {
    return this.#banned.has(other)
  }

  /** A neighbour sent something else than it was asked for. */
  ban(other: Membership): void {
    this.#banned.add(other)
    for (const request of this.forget(other)) this.peer.cancel(request)
    other.forget(this)
    this.peer.world.supernode.tell({
      type: 'report',
      from: this.peer.id,
      task: this.task.id,
      about: other.peer.id,
      kind: 'corrupt',
      now: 0,
    })
    this.fill()
  }

  /** The supernode is gone, and what it granted with it. */
  revokeGrants(): void {
    this.download.grants.clear()
    for (const request of [...this.download.requests.values()].flat()) {
      if (request.neighbour === this.download.supernode) this.peer.cancel(request)
    }
    this.fill()
  }

  meet(other: Membership): void {
    if (this.knownAs.has(other)) return
    const known = addNeighbour(
      other.download,
      linkTo(other.peer.links, this.peer.id),
      Bitfield.fromBytes(this.have.toBytes()),
    )
    this.knownAs.set(other, known)
    if (!other.complete) other.peer.send(fillNeighbour(known, this.peer.world.queue.nowMs))
  }

  forget(other: Membership): readonly BlockRequest[] {
    other.knownAs.delete(this)
    return removeNeighbour(this.download, other.peer.id)
  }

  #note(block: number): void {
    const { queue } = this.peer.world
    this.#newsAtMs.push(queue.nowMs)
    if (this.#news.push(block) === 1) this.#tellNewsOf(queue.nowMs)
    this.#report.push(block)
    const prompt = this.#granted.delete(block) || this.complete || this.#report.length >= MAX_NEWS_BLOCKS
    if (prompt && !this.#reportDue) {
      this.#reportDue = true
      queue.after(Math.max(0, this.#reportedAtMs + NEWS_EVERY_MS - queue.nowMs), this, REPORT_DUE)
    } else if (this.#report.length === 1) queue.after(REPORT_WITHIN_MS, this, REPORT_DUE)
  }

  /** The neighbours shall hear of a block that came then. */
  #tellNewsOf(cameAtMs: number): void {
    const { queue, spec } = this.peer.world
    this.#toldAtMs = Math.max(cameAtMs, this.#toldAtMs + NEWS_EVERY_MS)
    queue.after(this.#toldAtMs + spec.latencyMs - queue.nowMs, this, NEWS_TOLD)
  }

  /** What was told one latency ago reaches the neighbours. */
  #newsArrives(): void {
    const blocks = this.#takeNews()
    const { world } = this.peer
    for (const [session, neighbour] of this.knownAs) {
      const news = lackedBy(this.download.neighbours.get(session.peer.id), blocks)
      if (news.length === 0) continue
      world.controlMessages++
      if (session.complete) continue
      addHoldings(neighbour, news)
      if (!hasRoom(neighbour.link, this.task.spec.blockBytes)) continue
      session.peer.send(fillNeighbour(neighbour, world.queue.nowMs))
    }
  }

  #takeNews(): number[] {
    const blocks = this.#news
    const later = this.#newsAtMs.findIndex(atMs => atMs > this.#toldAtMs)
    if (later < 0) {
      this.#news = []
      this.#newsAtMs = []
    } else {
      this.#news = blocks.splice(later)
      this.#newsAtMs = this.#newsAtMs.slice(later)
      this.#tellNewsOf(this.#newsAtMs[0] ?? 0)
    }
    return blocks
  }

  #sendReport(): void {
    this.#reportDue = false
    if (this.#report.length === 0) return
    const { supernode, queue } = this.peer.world
    this.#reportedAtMs = queue.nowMs
    supernode.tell({ type: 'have', peer: this.peer.id, task: this.task.id, blocks: this.#report, now: 0 })
    this.#report = []
  }

  #end(): void {
    const { world } = this.peer
    this.completeAtMs = world.queue.nowMs
    for (const request of endDownload(this.download)) this.peer.cancel(request)
    this.peer.completed()
  }

  #tick(): void {
    if (this.complete) return
    const { world } = this.peer
    const { nowMs } = world.queue
    world.queue.after(TICK_MS, this, TICK)
    this.fill()
    const head = this.#head
    const verdict = this.#stall.judge(head, {
      canGet: this.download.asked.has(head) || this.download.grants.has(head) || isOffered(this.download, head, nowMs),
      granted: this.download.grants.has(head),
      background: false,
      quietMs: this.#quietMs(),
      mapped: head < this.download.blockCount,
      supernodeSilentMs: world.supernode.silentMs,
    })
    const lacking = hungryFor(this.download, nowMs)
    if (lacking.length > 0) {
      world.supernode.tell({ type: 'hungry', peer: this.peer.id, task: this.task.id, blocks: lacking, now: 0 })
    }
    if (verdict === 'ask') {
      const blocks = lackingFrom(this.download, head, nowMs)
      world.supernode.tell({ type: 'blocked', peer: this.peer.id, task: this.task.id, blocks, now: 0 })
    } else if (verdict !== 'wait' && !this.#readsOrigin) {
      this.#readOrigin(this.#stall.hurried ? head : chooseOriginBlock(this.download, head, nowMs))
    }
  }

  /** For how long nobody who was asked has sent a byte. */
  #quietMs(): number {
    if (this.download.requests.size === 0) return Number.POSITIVE_INFINITY
    return this.peer.isServed(this.download) ? 0 : this.peer.world.queue.nowMs - this.#deliveredAtMs
  }

  /** As the peer does: from one block on, until one that need not be read. */
  #readOrigin(block: number): void {
    this.#readsOrigin = true
    this.peer.readOrigin(this, block, () => {
      this.#readsOrigin = false
      const next = block + 1
      if (next >= this.task.blockCount || !onlyOriginHas(this.download, next, this.peer.world.queue.nowMs)) return
      if (this.peer.alive) this.#readOrigin(next)
    })
  }
}
