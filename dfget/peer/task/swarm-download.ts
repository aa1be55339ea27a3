import type { Clock } from '../../../lib/clock.ts'
import type { Logger } from '../../../lib/logger.ts'
import type { Bitfield } from '../../../protocol/bitfield.ts'
import { DamselflyError, type ErrorCode } from '../../../protocol/errors.ts'
import type { PeerAddress } from '../../../protocol/messages/codec.ts'
import type { BlockClient } from '../exchange/block-client.ts'
import { pick } from '../picker/pick.ts'
import type { Assembly } from './assembly.ts'
import { Neighbour, Neighbours } from './neighbours.ts'

export interface SwarmDownloadComponents {
  readonly assembly: Assembly
  readonly supernode: PeerAddress
  readonly ticket: () => string
  /** The block stream to a peer. */
  readonly clientOf: (peer: string) => BlockClient
  /** The blocks that readers need next. */
  readonly heads: () => readonly number[]
  readonly report: (about: string, kind: 'corrupt' | 'stalled' | 'unreachable') => void
  /** Drops the connection in this task to a peer that lied. */
  readonly disconnect: (peer: string) => void
  readonly clock: Clock
  readonly logger: Logger
}

/** A request under way. */
interface Fetch {
  readonly peer: string
  readonly block: number
  readonly askedAt: number
  readonly controller: AbortController
}

/** Bytes under way in one task, and from one peer; in blocks, at least the given number. */
const IN_FLIGHT_BYTES = 8 * 1024 * 1024
const MIN_IN_FLIGHT = 4
const PEER_IN_FLIGHT_BYTES = 4 * 1024 * 1024
const MIN_PEER_IN_FLIGHT = 2
/** How far ahead of a reader blocks count as urgent. */
const WINDOW_BYTES = 16 * 1024 * 1024

/** Blocks that content of unknown size may have: a bound on what a neighbour's claim can make us allocate. */
const MAX_BLOCKS = 2 ** 20

/** A peer that has requests and sends nothing for this long has stalled (design §8). */
const STALL_MS = 2_000
const SUSPECT_MS = 10_000
/** A peer that fails this often in a row is let go. */
const MAX_FAILURES = 3

/** What no honest peer sends. */
const LIES: ReadonlySet<ErrorCode> = new Set(['BLOCK_CORRUPT', 'MESSAGE_INVALID', 'FRAME_TOO_LARGE'])

/** Downloads the blocks of one task from neighbours, and granted ones from the supernode. */
export class SwarmDownload {
  readonly #components: SwarmDownloadComponents
  readonly #neighbours = new Neighbours()
  readonly #supernode: Neighbour
  readonly #grants = new Set<number>()
  readonly #asked = new Map<number, string[]>()
  readonly #fetches = new Set<Fetch>()
  #pumping = false
  #stopped = false
  #turn = 0

  constructor(components: SwarmDownloadComponents, nothing: Bitfield) {
    this.#components = components
    this.#supernode = new Neighbour(components.supernode.id, nothing)
  }

  stop(): void {
    this.#stopped = true
    for (const fetch of this.#fetches) fetch.controller.abort()
  }

  /** Whether a block is on its way or could be asked for. */
  canGet(block: number): boolean {
    return this.#asked.has(block) || this.#grants.has(block) || this.#neighbours.anyHas(block)
  }

  /** For how long nobody who was asked has sent a byte; infinite when nobody is being asked. */
  get quietMs(): number {
    let quietMs = Number.POSITIVE_INFINITY
    for (const { peer } of this.#fetches) quietMs = Math.min(quietMs, this.#components.clientOf(peer).silentMs)
    return quietMs
  }

  granted(blocks: readonly number[]): void {
    for (const block of blocks) if (!this.#components.assembly.has(block)) this.#grants.add(block)
    this.pump()
  }

  /** The supernode is gone; what it granted must come from elsewhere. */
  revokeGrants(): void {
    this.#grants.clear()
    this.#abort(fetch => fetch.peer === this.#supernode.peer)
  }

  neighbourJoined(peer: string, have: Bitfield): void {
    if (!this.#neighbours.join(peer, have)) this.#components.disconnect(peer)
    this.pump()
  }

  neighbourHas(peer: string, blocks: readonly number[]): void {
    const has = this.#neighbours.get(peer)?.has
    const end = this.#components.assembly.blockCount ?? MAX_BLOCKS
    for (const block of blocks) if (block < end) has?.add(block)
    this.pump()
  }

  neighbourLost(peer: string, blocks: readonly number[]): void {
    const has = this.#neighbours.get(peer)?.has
    for (const block of blocks) has?.delete(block)
  }

  neighbourGone(peer: string): void {
    this.#neighbours.remove(peer)
    this.#abort(fetch => fetch.peer === peer)
    this.pump()
  }

  /** A block has come from somewhere: other requests for it are not needed any more. */
  stored(block: number): void {
    this.#grants.delete(block)
    this.#abort(fetch => fetch.block === block)
    this.pump()
  }

  /** Looks for peers that have stalled. */
  tick(): void {
    const now = this.#components.clock.now()
    this.#neighbours.forgive(now)
    for (const peer of new Set([...this.#fetches].map(fetch => fetch.peer))) {
      if (this.#components.clientOf(peer).silentMs < STALL_MS) continue
      this.#neighbours.get(peer)?.suspectFor(SUSPECT_MS, now)
      if (peer === this.#supernode.peer) this.#grants.clear()
      else this.#components.report(peer, 'stalled')
      this.#abort(fetch => fetch.peer === peer)
    }
    this.pump()
  }

  /** Sends new requests, once in this turn of the event loop however often it is called. */
  pump(): void {
    if (this.#pumping || this.#stopped) return
    this.#pumping = true
    queueMicrotask(() => {
      this.#pumping = false
      if (!this.#stopped) this.#request()
    })
  }

  #request(): void {
    const { assembly, supernode, heads, clock } = this.#components
    const { map, blockSizeBytes } = assembly
    const requests = pick({
      now: clock.now(),
      blockCount: map.length,
      mapComplete: map.complete,
      blockSizeBytes,
      have: assembly.present,
      inFlight: this.#asked,
      grants: this.#grants,
      supernode: supernode.id,
      neighbours: this.#neighbours.list(),
      heads: heads(),
      window: Math.ceil(WINDOW_BYTES / blockSizeBytes),
      maxInFlight: Math.max(MIN_IN_FLIGHT, IN_FLIGHT_BYTES / blockSizeBytes),
      maxInFlightPerPeer: Math.max(MIN_PEER_IN_FLIGHT, PEER_IN_FLIGHT_BYTES / blockSizeBytes),
      randomSeed: this.#turn++,
    })
    for (const { peer, block } of requests) void this.#fetch(peer, block)
  }

  async #fetch(peer: string, block: number): Promise<void> {
    const { assembly, ticket, clientOf, clock } = this.#components
    const neighbour = peer === this.#supernode.peer ? this.#supernode : this.#neighbours.get(peer)
    if (neighbour === undefined || assembly.has(block)) return
    const fetch: Fetch = { peer, block, askedAt: clock.now(), controller: new AbortController() }
    this.#begin(fetch, neighbour)
    try {
      const want = { task: assembly.taskId, ticket: ticket(), block, maxBytes: assembly.blockSizeBytes }
      const buffer = await clientOf(peer).fetch(want, fetch.controller)
      neighbour.delivered(buffer.bytes.length, fetch.askedAt, clock.now())
      await assembly.accept(block, buffer, neighbour === this.#supernode ? 'supernode' : 'peer')
    } catch (error) {
      if (!fetch.controller.signal.aborted) this.#failed(fetch, neighbour, error)
    } finally {
      this.#end(fetch, neighbour)
      this.pump()
    }
  }

  #begin(fetch: Fetch, neighbour: Neighbour): void {
    neighbour.inFlight++
    this.#fetches.add(fetch)
    this.#asked.set(fetch.block, [...(this.#asked.get(fetch.block) ?? []), fetch.peer])
  }

  #end(fetch: Fetch, neighbour: Neighbour): void {
    neighbour.inFlight--
    this.#fetches.delete(fetch)
    const others = (this.#asked.get(fetch.block) ?? []).filter(peer => peer !== fetch.peer)
    if (others.length === 0) this.#asked.delete(fetch.block)
    else this.#asked.set(fetch.block, others)
  }

  #failed({ peer, block, askedAt }: Fetch, neighbour: Neighbour, error: unknown): void {
    const { report, disconnect, logger, clock, assembly } = this.#components
    const code = error instanceof DamselflyError ? error.code : undefined
    logger.debug({ taskId: assembly.taskId, peer, block, error }, 'block not delivered')
    if (peer === this.#supernode.peer) {
      this.#grants.delete(block)
    } else if (assembly.failure !== undefined) {
      // The store's fault, not the peer's.
    } else if (code !== undefined && LIES.has(code)) {
      logger.warn({ peer, block, code }, 'a peer sent what is not the block that it was asked for; it is cut off')
      report(peer, 'corrupt')
      this.#neighbours.ban(peer)
      disconnect(peer)
    } else if (code === 'TASK_UNKNOWN') {
      neighbour.has.delete(block)
    } else {
      neighbour.suspectFor(SUSPECT_MS, clock.now())
      if (neighbour.failed(askedAt, clock.now()) < MAX_FAILURES) return
      report(peer, 'unreachable')
      this.#neighbours.remove(peer)
      disconnect(peer)
    }
  }

  #abort(which: (fetch: Fetch) => boolean): void {
    for (const fetch of this.#fetches) if (which(fetch)) fetch.controller.abort(new Error('not needed from this peer'))
  }
}
