import type { Clock } from '../../../lib/clock.ts'
import { EventQueue } from '../engine/event-queue.ts'
import { createPipe, FlowNetwork, type Pipe } from '../engine/flow-network.ts'
import { Uploads } from './channel.ts'
import type { Node, Path, Surroundings } from './parts.ts'
import { SimulatedPeer } from './peer.ts'
import type { WorldSpec } from './spec.ts'
import { SimulatedSupernode } from './supernode.ts'
import { SimulatedTask } from './task.ts'

/** No run takes longer than this, in virtual time: one that would has come to a standstill. */
const LONGEST_MS = 24 * 3600 * 1000

/** A cluster and its network under a virtual clock. */
export class World implements Surroundings {
  readonly spec: WorldSpec
  readonly queue = new EventQueue()
  readonly network: FlowNetwork
  readonly clock: Pick<Clock, 'now'>
  readonly tasks: readonly SimulatedTask[]
  readonly peers: readonly SimulatedPeer[]
  readonly supernode: SimulatedSupernode
  readonly origin: { readonly up: Pipe; readonly uploads: Uploads; sentBytes: number }
  controlMessages = 0
  crossZoneBytes = 0
  #left: number
  readonly #byId: ReadonlyMap<string, SimulatedPeer>
  readonly #zones = new Map<string, { readonly out: Pipe; readonly in: Pipe }>()

  constructor(spec: WorldSpec) {
    this.spec = spec
    this.network = new FlowNetwork({ unfairness: spec.unfairness ?? 0, seed: spec.seed })
    this.clock = { now: () => this.queue.nowMs }
    this.tasks = spec.tasks.map((task, index) => new SimulatedTask(index, task))
    this.supernode = new SimulatedSupernode(this, this.tasks)
    this.origin = {
      up: createPipe(this.goodput(spec.originBytesPerMs)),
      uploads: new Uploads(this.network, Number.POSITIVE_INFINITY),
      sentBytes: 0,
    }
    this.peers = spec.peers.map((peer, index) => new SimulatedPeer(this, index, peer))
    this.#byId = new Map(this.peers.map(peer => [peer.id, peer]))
    this.#left = spec.peers.filter(peer => peer.leavesAtMs === undefined).length
    if (spec.zoneBytesPerMs === undefined) return
    for (const { labels } of spec.peers) {
      const zone = labels.zone ?? ''
      if (!this.#zones.has(zone))
        this.#zones.set(zone, {
          out: createPipe(this.goodput(spec.zoneBytesPerMs)),
          in: createPipe(this.goodput(spec.zoneBytesPerMs)),
        })
    }
  }

  /** Whether all peers that stay have everything. */
  get over(): boolean {
    return this.#left === 0
  }

  /**
   * Lets everything happen. @param watch called every `everyMs` of virtual time
   * @throws Error when the swarm comes to a standstill
   */
  run(watch?: { readonly everyMs: number; readonly look: () => void }): void {
    const { queue, spec } = this
    this.supernode.start()
    for (const peer of this.peers) {
      queue.after(peer.spec.arrivesAtMs, { run: () => peer.arrive() })
      if (peer.spec.leavesAtMs !== undefined) queue.after(peer.spec.leavesAtMs, { run: () => peer.leave() })
    }
    if (spec.supernode.diesAtMs !== undefined) queue.after(spec.supernode.diesAtMs, { run: () => this.supernode.die() })
    if (watch !== undefined) {
      const event = {
        run: () => {
          watch.look()
          queue.after(watch.everyMs, event)
        },
      }
      queue.after(0, event)
    }
    while (!this.over) {
      if (!queue.step() || queue.nowMs > LONGEST_MS)
        throw new Error(`the swarm stands still with ${this.#left} peers unfinished`)
    }
  }

  /** What is left of a rate, in bytes per ms, when what is lost has been sent again. */
  goodput(bytesPerMs: number): number {
    return bytesPerMs * (1 - (this.spec.loss ?? 0))
  }

  /** A peer has everything. */
  finished(): void {
    this.#left--
  }

  /** Has something happen a number of one-way latencies from now. */
  later(trips: number, work: () => void): void {
    this.queue.after(trips * this.spec.latencyMs, { run: work })
  }

  peerOf(id: string): SimulatedPeer | undefined {
    return this.#byId.get(id)
  }

  /** Who sends to a peer, and through which pipes. */
  pathTo(peer: Node, from: string): Path {
    const sender = this.#byId.get(from)
    const { uploads, up } = sender ?? this.supernode
    const pipes = [up, peer.down]
    const zone = this.#zones.get(peer.spec.labels.zone ?? '')
    const other = sender === undefined ? undefined : this.#zones.get(sender.spec.labels.zone ?? '')
    if (zone !== undefined && zone !== other) {
      pipes.push(zone.in)
      if (other !== undefined) pipes.push(other.out)
    }
    return { sender, uploads, pipes }
  }

  /** What the supernode sends into a zone counts as well. */
  countTraffic(from: Node | undefined, to: Node, bytes: number): void {
    if (from?.spec.labels.zone !== to.spec.labels.zone) this.crossZoneBytes += bytes
  }
}
