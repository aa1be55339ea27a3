import { fillLink } from '../../../dfget/peer/picker/fill.ts'
import { linkTo, noteDelivery } from '../../../dfget/peer/picker/link.ts'
import { closeRequest, openRequest } from '../../../dfget/peer/picker/requests.ts'
import type { BlockRequest, Download, Link, Links } from '../../../dfget/peer/picker/state.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { createPipe, type Pipe } from '../engine/flow-network.ts'
import { Channel, type Receiver, Uploads } from './channel.ts'
import { ORIGIN } from './names.ts'
import type { Membership, Node, Surroundings } from './parts.ts'
import { Session } from './session.ts'
import type { PeerSpec } from './spec.ts'
import type { SimulatedTask } from './task.ts'

/** Blocks that a peer sends at once: no fewer than it has neighbours. */
const UPLOAD_SLOTS = 32

/** A simulated node. */
export class SimulatedPeer implements Receiver<Node | undefined>, Node {
  readonly world: Surroundings
  readonly index: number
  readonly id: string
  readonly spec: PeerSpec
  readonly links: Links = new Map()
  readonly up: Pipe
  readonly down: Pipe
  readonly uploads: Uploads
  alive = false
  /** When it had everything. */
  finishedAtMs: number | undefined
  /** Bytes that it got twice, or that were wrong. */
  wastedBytes = 0
  #channels = new Map<Link, Channel<Node | undefined>>()
  readonly #sessions = new Map<Download, Session>()
  readonly #byTask = new Map<SimulatedTask, Session>()
  #toStart: SimulatedTask[]

  constructor(world: Surroundings, index: number, spec: PeerSpec) {
    this.world = world
    this.index = index
    this.id = `peer-${index}`
    this.spec = spec
    this.up = createPipe(world.goodput(spec.upBytesPerMs))
    this.down = createPipe(
      Math.min(world.goodput(spec.downBytesPerMs), spec.diskBytesPerMs ?? Number.POSITIVE_INFINITY),
    )
    this.uploads = new Uploads(world.network, UPLOAD_SLOTS)
    this.#toStart = [...world.tasks]
  }

  get sessions(): Iterable<Session> {
    return this.#byTask.values()
  }

  sessionOf(task: SimulatedTask): Session | undefined {
    return this.#byTask.get(task)
  }

  arrive(): void {
    this.alive = true
    this.world.supernode.connected(this)
    for (let count = 0; count < this.world.spec.tasksAtOnce; count++) this.#startNext()
  }

  leave(): void {
    this.alive = false
    for (const channel of this.#channels.values()) channel.cut()
    for (const session of this.sessions) {
      session.task.sessions.delete(session)
      for (const other of [...session.knownAs.keys()]) {
        other.peer.cutFrom(this.id)
        other.lose(session)
      }
    }
    this.world.supernode.disconnected(this)
  }

  completed(): void {
    this.#startNext()
    const all = [...this.sessions].every(session => session.complete)
    if (!all || this.#byTask.size < this.world.tasks.length) return
    this.finishedAtMs = this.world.queue.nowMs
    this.world.finished()
  }

  /** Sends requests; each is there a round trip later. */
  send(requests: readonly BlockRequest[]): void {
    const { queue, spec } = this.world
    for (const request of requests)
      this.#channelOf(request.neighbour.link).ask(request, queue.nowMs + 2 * spec.latencyMs)
  }

  cancel(request: BlockRequest): void {
    closeRequest(request)
    this.#channels.get(request.neighbour.link)?.cancel(request)
  }

  /** Whether somebody who was asked for a block of this download is sending, to whichever of the downloads. */
  isServed({ requests }: Download): boolean {
    for (const open of requests.values()) {
      for (const { neighbour } of open) if (this.#channels.get(neighbour.link)?.isSending === true) return true
    }
    return false
  }

  cutFrom(peer: string): void {
    const link = this.links.get(peer)
    if (link !== undefined) this.#channels.get(link)?.cut()
  }

  lengthOf({ neighbour, block }: BlockRequest): number {
    return this.#sessions.get(neighbour.download)?.task.lengthOf(block) ?? 0
  }

  delivered(request: BlockRequest, bytes: number, sender: Node | undefined): void {
    const session = this.#sessions.get(request.neighbour.download)
    closeRequest(request)
    if (session === undefined || !this.alive) return
    const { link } = request.neighbour
    const { nowMs } = this.world.queue
    this.world.countTraffic(sender, this, bytes)
    if (sender?.spec.lies === true) {
      this.wastedBytes += bytes
      const liar = sender.sessionOf(session.task)
      if (liar !== undefined) session.ban(liar)
      return
    }
    noteDelivery(link, bytes, request.askedAtMs, nowMs)
    if (!session.stored(request.block)) this.wastedBytes += bytes
    this.send(fillLink(link, nowMs))
  }

  discarded(bytes: number, sender: Node | undefined): void {
    this.wastedBytes += bytes
    this.world.countTraffic(sender, this, bytes)
  }

  readOrigin(session: Membership, block: number, then: () => void): void {
    const link = linkTo(this.links, ORIGIN)
    const neighbour = { link, download: session.download, has: new Bitfield() }
    const request = openRequest(neighbour, block, this.world.queue.nowMs)
    const uploads = this.world.origin.uploads
    const receiver: Receiver<undefined> = {
      lengthOf: asked => this.lengthOf(asked),
      delivered: () => {
        closeRequest(request)
        session.stored(block)
        then()
      },
      discarded: () => {},
    }
    const pipes = [this.world.origin.up, this.down]
    const channel = new Channel({ queue: this.world.queue, uploads, pipes, receiver, sender: undefined })
    channel.ask(request, this.world.queue.nowMs + 2 * this.world.spec.latencyMs)
  }

  #startNext(): void {
    const task = this.#toStart.shift()
    if (task === undefined) return
    // Registration and join: two round trips and a half.
    this.world.later(5, () => {
      if (!this.alive) return
      const session = new Session(this, task)
      this.#sessions.set(session.download, session)
      this.#byTask.set(task, session)
      task.sessions.add(session)
      this.world.supernode.join(session)
    })
  }

  #channelOf(link: Link): Channel<Node | undefined> {
    const known = this.#channels.get(link)
    if (known !== undefined) return known
    const { sender, uploads, pipes } = this.world.pathTo(this, link.peer)
    const channel = new Channel({ queue: this.world.queue, uploads, pipes, receiver: this, sender })
    this.#channels.set(link, channel)
    return channel
  }
}
