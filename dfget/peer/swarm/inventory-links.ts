import type { Stream } from '@libp2p/interface'
import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import { createFrameChannel, type FrameChannel } from '../../../lib/p2p/frame-channel.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import { type InventoryMessage, inventoryCodec } from '../../../protocol/messages/inventory.ts'
import { INVENTORY_PROTOCOL } from '../../../protocol/protocol-ids.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { TicketVerifier } from '../../../protocol/ticket.ts'

/** What this node says of a task in which it is asked to be a neighbour. */
export interface OwnInventory {
  readonly have: Bitfield
  /** Undefined for a holder that wants nothing. */
  readonly ticket: string | undefined
}

/** Who hears of neighbours. */
export interface NeighbourListener {
  neighbourJoined(task: TaskId, peer: string, have: Bitfield): void
  neighbourHas(task: TaskId, peer: string, blocks: readonly number[]): void
  neighbourLost(task: TaskId, peer: string, blocks: readonly number[]): void
  /** @returns those of the blocks that the neighbour has not said that it holds */
  neighbourLacks(task: TaskId, peer: string, blocks: readonly number[]): number[]
  /** One of the two has parted from the other in this task; the connection stands. */
  neighbourLeft(task: TaskId, peer: string): void
  /** The connection to a neighbour is gone. */
  neighbourGone(task: TaskId, peer: string): void
}

export interface InventoryLinksComponents {
  readonly node: P2pNode
  readonly clock: Clock
  readonly logger: Logger
  readonly listener: NeighbourListener
  readonly ticketVerifier: () => TicketVerifier | undefined
  /** What is here of a task, also of one stored from an earlier time. */
  readonly ownInventory: (task: TaskId) => Promise<OwnInventory | undefined>
  readonly account: { invalidMessage(code: string): void }
}

/** All streams to one neighbour. Usually one; two when both sides dialled at once, of which the first is used for sending. */
interface Link {
  readonly channels: FrameChannel[]
  /** Tasks in which the neighbour has shown itself. */
  readonly theirs: Set<TaskId>
  /** Tasks in which this node has shown itself. */
  readonly ours: Set<TaskId>
}

const DIAL_TIMEOUT_MS = 3_000

/** The inventory streams between this node and its neighbours: who holds which blocks, for all tasks of a pair. */
export class InventoryLinks {
  readonly #components: InventoryLinksComponents
  readonly #links = new Map<string, Link>()
  readonly #dialling = new Map<string, Promise<Link>>()
  /** Neighbours to be, by task and peer: a connection may be called off while it is being made. */
  readonly #toMeet = new Set<string>()

  constructor(components: InventoryLinksComponents) {
    this.#components = components
  }

  async start(): Promise<void> {
    await this.#components.node.handle(INVENTORY_PROTOCOL, (stream, peer) => void this.#adopt(stream, peer))
  }

  async stop(): Promise<void> {
    for (const { channels } of this.#links.values()) for (const channel of [...channels]) channel.close()
  }

  /** Makes a peer a neighbour in a task. @throws when it cannot be reached */
  async connect(task: TaskId, peer: PeerAddress): Promise<void> {
    const pair = `${task} ${peer.id}`
    this.#toMeet.add(pair)
    try {
      const link = this.#links.get(peer.id) ?? (await this.#dial(peer))
      if (this.#toMeet.has(pair)) await this.#introduce(link, task)
    } finally {
      this.#toMeet.delete(pair)
    }
  }

  /** Stops being a neighbour of a peer in a task. */
  disconnect(task: TaskId, peer: string): void {
    this.#toMeet.delete(`${task} ${peer}`)
    const link = this.#links.get(peer)
    if (link === undefined) return
    if (link.ours.delete(task)) send(link, { type: 'leave', task })
    if (link.theirs.delete(task)) this.#components.listener.neighbourLeft(task, peer)
  }

  /** Stops being anybody's neighbour in a task, so that a later download of it starts from nothing. */
  leave(task: TaskId): void {
    for (const pair of this.#toMeet) if (pair.startsWith(`${task} `)) this.#toMeet.delete(pair)
    for (const peer of this.#links.keys()) this.disconnect(task, peer)
  }

  /** Tells the neighbours in a task what has come here, as far as they lack it, or what has gone. */
  tell(task: TaskId, type: 'have' | 'lost', blocks: number[]): void {
    for (const [peer, link] of this.#links) {
      if (!link.ours.has(task)) continue
      const news = type === 'lost' ? blocks : this.#components.listener.neighbourLacks(task, peer, blocks)
      if (news.length > 0) send(link, { type, task, blocks: news })
    }
  }

  #dial(peer: PeerAddress): Promise<Link> {
    const dialling =
      this.#dialling.get(peer.id) ??
      this.#components.node
        .dial(peer, INVENTORY_PROTOCOL, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS) })
        .then(stream => this.#adopt(stream, peer.id))
        .finally(() => this.#dialling.delete(peer.id))
    this.#dialling.set(peer.id, dialling)
    return dialling
  }

  #adopt(stream: Stream, peer: string): Link {
    const link = this.#links.get(peer) ?? { channels: [], theirs: new Set(), ours: new Set() }
    this.#links.set(peer, link)
    const channel = createFrameChannel(stream, peer, {
      message: bytes => this.#receive(link, peer, inventoryCodec.decode(bytes)),
      dataStart() {
        throw new DamselflyError('MESSAGE_INVALID', 'inventory streams carry no data')
      },
      dataEnd() {},
      dataCut() {},
      closed: error => {
        link.channels.splice(link.channels.indexOf(channel), 1)
        if (error instanceof DamselflyError) this.#components.account.invalidMessage(error.code)
        if (link.channels.length === 0) this.#gone(link, peer)
      },
    })
    link.channels.push(channel)
    return link
  }

  #gone(link: Link, peer: string): void {
    if (this.#links.get(peer) === link) this.#links.delete(peer)
    for (const task of link.theirs) this.#components.listener.neighbourGone(task, peer)
    link.theirs.clear()
    link.ours.clear()
  }

  #receive(link: Link, peer: string, message: InventoryMessage): void {
    const { listener, logger } = this.#components
    const { task } = message
    if (message.type === 'join' || message.type === 'offer') {
      if (message.type === 'join' && !this.#mayJoin(task, peer, message.ticket)) return
      // Whoever only offers must have been asked: it shows no ticket, so it learns nothing by itself.
      if (message.type === 'offer' && !link.ours.has(task)) return
      link.theirs.add(task)
      listener.neighbourJoined(task, peer, Bitfield.fromBytes(message.have))
      this.#introduce(link, task).catch(error => logger.debug({ peer, task, error }, 'could not answer a neighbour'))
    } else if (link.theirs.has(task)) {
      if (message.type === 'have') listener.neighbourHas(task, peer, message.blocks)
      else if (message.type === 'lost') {
        listener.neighbourLost(task, peer, message.blocks)
        this.#tellAgain(link, task, message.blocks).catch(error =>
          logger.debug({ peer, task, error }, 'not told again'),
        )
      } else {
        link.theirs.delete(task)
        link.ours.delete(task)
        listener.neighbourLeft(task, peer)
      }
    }
  }

  async #introduce(link: Link, task: TaskId): Promise<void> {
    if (link.ours.has(task)) return
    link.ours.add(task)
    const own = await this.#components.ownInventory(task)
    // The two may have been parted meanwhile.
    if (!link.ours.has(task)) return
    if (own === undefined) {
      link.ours.delete(task)
      return
    }
    const have = own.have.toBytes()
    if (own.ticket === undefined) send(link, { type: 'offer', task, have })
    else send(link, { type: 'join', task, ticket: own.ticket, have })
  }

  /** A neighbour that held blocks and lost them was not told that they are here. */
  async #tellAgain(link: Link, task: TaskId, blocks: readonly number[]): Promise<void> {
    const own = await this.#components.ownInventory(task)
    const held = blocks.filter(block => own?.have.has(block))
    if (held.length > 0 && link.ours.has(task)) send(link, { type: 'have', task, blocks: held })
  }

  #mayJoin(task: TaskId, peer: string, ticket: string): boolean {
    const { ticketVerifier, clock, account, logger } = this.#components
    try {
      return ticketVerifier()?.verify(ticket, { task, peer }, clock.wallTime()) !== undefined
    } catch (error) {
      account.invalidMessage('TICKET_INVALID')
      logger.debug({ peer, task, error }, 'neighbour refused')
      return false
    }
  }
}

function send(link: Link, message: InventoryMessage): void {
  link.channels[0]?.send(inventoryCodec.encode(message))
}
