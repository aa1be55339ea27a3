import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Bitfield } from '../../../protocol/bitfield.ts'
import { DamselflyError, type ErrorCode } from '../../../protocol/errors.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { BlockClient } from '../exchange/block-client.ts'
import { MAX_STALL_MS, stallDeadlineMs } from '../picker/deadlines.ts'
import { hungryFor } from '../picker/hunger.ts'
import { lackingFrom } from '../picker/lacking.ts'
import { isDelivering, noteDelivery, noteFailure, suspect } from '../picker/link.ts'
import { addHoldings, addNeighbour, dropHoldings, isOffered, lackedBy, removeNeighbour } from '../picker/neighbours.ts'
import { chooseOriginBlock, onlyOriginHas } from '../picker/origin.ts'
import { blockStored } from '../picker/requests.ts'
import type { BlockRequest, Download, Link } from '../picker/state.ts'
import type { Assembly } from './assembly.ts'
import type { RequestPump } from './request-pump.ts'

export interface SwarmDownloadComponents {
  readonly assembly: Assembly
  readonly pump: RequestPump
  /** What nobody waits for: is told of this task. */
  readonly backgroundTasks: Set<TaskId>
  readonly ticket: () => string
  /** The block stream to a peer. */
  readonly clientOf: (peer: string) => Pick<BlockClient, 'fetch' | 'silentMs'>
  /** The blocks that readers need next. */
  readonly heads: () => readonly number[]
  readonly report: (about: string, kind: 'corrupt' | 'stalled' | 'unreachable') => void
  /** Stops being the neighbour of a peer in this task. */
  readonly disconnect: (peer: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

export interface SwarmDownloadInit {
  readonly supernode: PeerAddress
  readonly background: boolean
  /** Any integer; different ones make nodes choose differently among equals. */
  readonly seed: number
}

/** Blocks that content of unknown size may have: a bound on what a neighbour's claim can make us allocate. */
const MAX_BLOCKS = 2 ** 20

/** Blocks that have come and are not stored take so much memory, at most, before no more are asked for. */
const MAX_UNSTORED_BYTES = 8 * 1024 * 1024

/** A peer that fails this often in a row is let go. */
const MAX_FAILURES = 3

/** After a tick that comes later than this, this process was held up, and has yet to read what was sent to it. */
const LATE_TICK_MS = 250

/** What no honest peer sends. */
const LIES: ReadonlySet<ErrorCode> = new Set(['BLOCK_CORRUPT', 'MESSAGE_INVALID', 'FRAME_TOO_LARGE'])

/** Downloads the blocks of one task from neighbours, and granted ones from the supernode. */
export class SwarmDownload {
  readonly #components: SwarmDownloadComponents
  readonly #download: Download
  /** What ends each open request. */
  readonly #open = new Map<BlockRequest, AbortController>()
  /** Peers that lied. */
  readonly #banned = new Set<string>()
  #tickedAt: number
  #late = false
  /** Blocks that have come and are not stored. */
  #unstored = 0

  constructor(components: SwarmDownloadComponents, { supernode, background, seed }: SwarmDownloadInit) {
    const { assembly, pump, backgroundTasks, clock } = components
    this.#components = components
    if (background) backgroundTasks.add(assembly.taskId)
    this.#tickedAt = clock.now()
    this.#download = pump.begin(
      { supernode: supernode.id, have: assembly.present, blockSizeBytes: assembly.blockSizeBytes, background, seed },
      {
        refresh: () => this.#refresh(),
        send: request => void this.#fetch(request),
        giveWay: () => this.#abort(() => true),
      },
    )
  }

  stop(): void {
    this.#leaveBackground()
    this.#components.pump.end(this.#download)
    this.#abort(() => true)
  }

  /** Somebody waits for it now. */
  promote(): void {
    this.#leaveBackground()
    this.#download.background = false
    this.look()
  }

  /** Whether it has to wait because somebody waits for others. */
  get givesWay(): boolean {
    return this.#components.pump.givesWay(this.#download)
  }

  /** Whether a block is on its way or could be asked for. */
  canGet(block: number): boolean {
    const { requests, grants } = this.#download
    return requests.has(block) || grants.has(block) || isOffered(this.#download, block, this.#components.clock.now())
  }

  /** Whether the supernode gives a block. */
  isGranted(block: number): boolean {
    return this.#download.grants.has(block)
  }

  /**
   * For how long nobody has sent a byte who was asked, or is to be asked for this block when other downloads have had their turn;
   * infinite when there is no such peer.
   */
  quietMs(block: number): number {
    const links = this.#linksInUse()
    for (const link of this.#linksTo(block)) if (link.requests > 0) links.add(link)
    let quietMs = Number.POSITIVE_INFINITY
    for (const { peer } of links) quietMs = Math.min(quietMs, this.#components.clientOf(peer).silentMs)
    return quietMs
  }

  /** What could be on its way, if somebody had it to give. */
  hungryFor(): readonly number[] {
    return hungryFor(this.#download, this.#components.clock.now())
  }

  /**
   * A reader waits for a block, and nothing moves. Those who claim it and have been silent for as long as given count as stalled.
   * @returns what the supernode is to be asked for: it, and what nobody else can be asked for
   */
  lackingFrom(head: number, quietMs: number): readonly number[] {
    if (!this.#late) for (const link of this.#linksInUse()) this.#expectBytes(link, quietMs)
    return lackingFrom(this.#download, head, this.#components.clock.now())
  }

  /** Whether a block can come from the origin only. */
  onlyOriginHas(block: number): boolean {
    return onlyOriginHas(this.#download, block, this.#components.clock.now())
  }

  /** Where to begin to read the origin while a reader waits for `head`. */
  chooseOriginBlock(head: number): number {
    return chooseOriginBlock(this.#download, head, this.#components.clock.now())
  }

  granted(blocks: readonly number[]): void {
    for (const block of blocks) if (!this.#components.assembly.has(block)) this.#download.grants.add(block)
    this.look()
  }

  /** The supernode is gone; what it granted must come from elsewhere. */
  revokeGrants(): void {
    this.#download.grants.clear()
    this.#abort(({ neighbour }) => neighbour === this.#download.supernode)
  }

  neighbourJoined(peer: string, have: Bitfield): void {
    const { pump, disconnect } = this.#components
    if (this.#banned.has(peer)) {
      disconnect(peer)
      return
    }
    for (const block of have) if (!this.#canExist(block)) have.delete(block)
    pump.offerNeighbour(addNeighbour(this.#download, pump.linkTo(peer), have))
  }

  neighbourHas(peer: string, blocks: readonly number[]): void {
    const neighbour = this.#download.neighbours.get(peer)
    if (neighbour === undefined) return
    addHoldings(
      neighbour,
      blocks.filter(block => this.#canExist(block)),
    )
    this.#components.pump.offerNeighbour(neighbour)
  }

  neighbourLost(peer: string, blocks: readonly number[]): void {
    const neighbour = this.#download.neighbours.get(peer)
    if (neighbour !== undefined) dropHoldings(neighbour, blocks)
  }

  /** Those of the blocks that the peer has not said that it holds. */
  neighbourLacks(peer: string, blocks: readonly number[]): number[] {
    return lackedBy(this.#download.neighbours.get(peer), blocks)
  }

  /** It is a neighbour no longer, but serves on: what it has been asked for may still come. */
  neighbourLeft(peer: string): void {
    removeNeighbour(this.#download, peer)
  }

  /** It cannot be reached any more. */
  neighbourGone(peer: string): void {
    removeNeighbour(this.#download, peer)
    this.#abort(({ neighbour }) => neighbour.link.peer === peer)
    this.look()
  }

  /** A block has come from somewhere: other requests for it are not needed any more. */
  stored(block: number): void {
    for (const request of blockStored(this.#download, block)) this.#open.get(request)?.abort(notNeeded())
    this.look()
  }

  /** Looks for something to ask for. */
  look(): void {
    this.#components.pump.offerDownload(this.#download)
  }

  /** Looks for peers that have stalled. */
  tick(): void {
    const now = this.#components.clock.now()
    this.#late = now - this.#tickedAt > LATE_TICK_MS
    this.#tickedAt = now
    if (!this.#late) for (const link of this.#linksInUse()) this.#expectBytes(link)
    this.look()
  }

  #refresh(): void {
    const { assembly, heads } = this.#components
    this.#download.heads = heads()
    this.#download.blockCount = assembly.map.length
    this.#download.mapComplete = assembly.map.complete
  }

  #canExist(block: number): boolean {
    return block < (this.#components.assembly.blockCount ?? MAX_BLOCKS)
  }

  #linksInUse(): Set<Link> {
    return new Set([...this.#open.keys()].map(({ neighbour }) => neighbour.link))
  }

  /** Links over which the block could come. */
  #linksTo(block: number): Link[] {
    const { grants, supernode, neighbours } = this.#download
    const holders = [...neighbours.values()].filter(({ has }) => has.has(block))
    return [...(grants.has(block) ? [supernode] : []), ...holders].map(({ link }) => link)
  }

  #expectBytes(link: Link, atMostMs = MAX_STALL_MS): void {
    const { assembly, clientOf, clock, report } = this.#components
    const { supernode, grants, background } = this.#download
    const isSupernode = link === supernode.link
    // The supernode lets requests wait for those of other peers.
    const deadlineMs = isSupernode ? MAX_STALL_MS : Math.min(atMostMs, stallDeadlineMs(link, assembly.blockSizeBytes))
    if (clientOf(link.peer).silentMs < deadlineMs) return
    if (isSupernode) grants.clear()
    else {
      suspect(link, clock.now())
      // What nobody waits for is let wait by honest peers, too.
      if (!background && !isDelivering(link, clock.now())) report(link.peer, 'stalled')
    }
    this.#abort(({ neighbour }) => neighbour.link === link)
  }

  async #fetch(request: BlockRequest): Promise<void> {
    const { assembly, pump, ticket, clientOf, clock } = this.#components
    const { block, neighbour, askedAtMs } = request
    const controller = new AbortController()
    this.#open.set(request, controller)
    try {
      const want = { task: assembly.taskId, ticket: ticket(), block, maxBytes: assembly.blockSizeBytes }
      const buffer = await clientOf(neighbour.link.peer).fetch(want, controller)
      // What is here cannot be ended any more.
      this.#open.delete(request)
      noteDelivery(neighbour.link, buffer.bytes.length, askedAtMs, clock.now())
      await this.#accept(request, buffer)
    } catch (error) {
      if (!controller.signal.aborted) this.#failed(request, error)
      this.look()
    } finally {
      this.#open.delete(request)
      pump.close(request)
    }
  }

  async #accept(request: BlockRequest, buffer: BlockBuffer): Promise<void> {
    const { assembly, pump } = this.#components
    const { block, neighbour } = request
    this.#unstored++
    if (this.#unstored * assembly.blockSizeBytes <= MAX_UNSTORED_BYTES) pump.arrived(request)
    try {
      await assembly.accept(block, buffer, neighbour === this.#download.supernode ? 'supernode' : 'peer')
    } finally {
      this.#unstored--
    }
  }

  #failed({ neighbour, block, askedAtMs }: BlockRequest, error: unknown): void {
    const { report, logger, clock, assembly } = this.#components
    const { link } = neighbour
    const { peer } = link
    const code = error instanceof DamselflyError ? error.code : undefined
    logger.debug({ taskId: assembly.taskId, peer, block, error }, 'block not delivered')
    if (neighbour === this.#download.supernode) {
      this.#download.grants.delete(block)
    } else if (assembly.failure !== undefined) {
      // The store's fault, not the peer's.
    } else if (code !== undefined && LIES.has(code)) {
      logger.warn({ peer, block, code }, 'a peer sent what is not the block that it was asked for; it is cut off')
      report(peer, 'corrupt')
      this.#banned.add(peer)
      this.#cutOff(peer)
    } else if (code === 'TASK_UNKNOWN') {
      dropHoldings(neighbour, [block])
    } else {
      suspect(link, clock.now())
      if (noteFailure(link, askedAtMs, clock.now()) < MAX_FAILURES) return
      report(peer, 'unreachable')
      this.#cutOff(peer)
    }
  }

  #cutOff(peer: string): void {
    this.neighbourGone(peer)
    this.#components.disconnect(peer)
  }

  #abort(which: (request: BlockRequest) => boolean): void {
    for (const [request, controller] of this.#open) if (which(request)) controller.abort(notNeeded())
  }

  #leaveBackground(): void {
    const { backgroundTasks, assembly } = this.#components
    backgroundTasks.delete(assembly.taskId)
  }
}

function notNeeded(): Error {
  return new Error('not needed from this peer')
}
