import type { BlockRequest, Download, Links, Neighbour } from '../../../dfget/peer/picker/state.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { SchedulerEvent } from '../../../supernode/scheduler/event.ts'
import type { EventQueue } from '../engine/event-queue.ts'
import type { FlowNetwork, Pipe } from '../engine/flow-network.ts'
import type { Uploads } from './channel.ts'
import type { PeerSpec, WorldSpec } from './spec.ts'
import type { SimulatedTask } from './task.ts'

/** Who sends over a link, and through what. The supernode is no node. */
export interface Path {
  readonly sender: Node | undefined
  readonly uploads: Uploads
  readonly pipes: readonly Pipe[]
}

/** What the parts of a simulated cluster see of it. */
export interface Surroundings {
  readonly spec: WorldSpec
  readonly queue: EventQueue
  readonly network: FlowNetwork
  readonly clock: Pick<Clock, 'now'>
  readonly tasks: readonly SimulatedTask[]
  readonly peers: readonly Node[]
  readonly supernode: Tracker
  readonly origin: { readonly up: Pipe; readonly uploads: Uploads; sentBytes: number }
  /** Control messages that were sent, by anybody to anybody. */
  controlMessages: number
  /** Whether all peers that stay have everything. */
  readonly over: boolean
  /** What is left of a rate when what is lost has been sent again. */
  goodput(bytesPerMs: number): number
  /** Has something happen a number of one-way latencies from now. */
  later(trips: number, work: () => void): void
  peerOf(id: string): Node | undefined
  /** Who sends to a peer, and through which pipes. */
  pathTo(peer: Node, from: string): Path
  countTraffic(from: Node | undefined, to: Node, bytes: number): void
  /** A peer has everything. */
  finished(): void
}

/** What peers see of the supernode. */
export interface Tracker {
  readonly up: Pipe
  readonly uploads: Uploads
  /** For how long it has been silent. */
  readonly silentMs: number
  connected(peer: Node): void
  disconnected(peer: Node): void
  /** A control message is on its way. */
  tell(event: SchedulerEvent): void
  join(session: Membership): void
}

/** What others see of a node. */
export interface Node {
  readonly id: string
  readonly index: number
  readonly spec: PeerSpec
  readonly world: Surroundings
  readonly links: Links
  readonly up: Pipe
  readonly down: Pipe
  readonly uploads: Uploads
  readonly alive: boolean
  readonly sessions: Iterable<Membership>
  sessionOf(task: SimulatedTask): Membership | undefined
  send(requests: readonly BlockRequest[]): void
  cancel(request: BlockRequest): void
  /** Whether somebody who was asked for a block of the download is sending. */
  isServed(download: Download): boolean
  /** A neighbour, or the supernode, is gone. */
  cutFrom(peer: string): void
  /** One of its tasks is complete. */
  completed(): void
  /** Reads one block from the origin. */
  readOrigin(session: Membership, block: number, then: () => void): void
}

/** What others see of a node's part in one swarm. */
export interface Membership {
  readonly peer: Node
  readonly task: SimulatedTask
  readonly download: Download
  readonly complete: boolean
  /** As what this peer is known to others, by the session that knows it. */
  readonly knownAs: Map<Membership, Neighbour>
  mapGrew(blockCount: number): void
  granted(blocks: readonly number[]): void
  connect(other: Membership): void
  part(other: Membership): void
  lose(other: Membership): void
  forget(other: Membership): readonly BlockRequest[]
  meet(other: Membership): void
  hasBanned(other: Membership): boolean
  /** @returns whether the block was needed */
  stored(block: number): boolean
  revokeGrants(): void
}
