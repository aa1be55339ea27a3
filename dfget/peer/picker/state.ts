import type { Bitfield } from '../../../protocol/bitfield.ts'

/**
 * The way to another peer, as the picker sees it: one for all downloads of this node, since they share its capacity. Plain data.
 */
export interface Link {
  readonly peer: string
  /** The neighbourhoods that it carries, one for each download. The one to be offered the next free place comes first. */
  readonly users: Neighbour[]
  /** Requests that have been sent and not been answered, and the bytes they ask for. */
  requests: number
  requestedBytes: number
  /** What the peer has been delivering; 0 while nothing is known. */
  rateBytesPerMs: number
  deliveredAtMs: number
  /** Failures in a row; those that one broken stream took with it count once. */
  failures: number
  failedAtMs: number
  /** It stalled or failed: until then it is asked only for what nobody else has. */
  suspectUntilMs: number
}

/** The links of a node, by peer. */
export type Links = Map<string, Link>

/** A peer that may be asked for blocks of one download. */
export interface Neighbour {
  readonly link: Link
  readonly download: Download
  /** What it has said that it holds. Of the supernode: nothing, it is asked for what it granted. */
  readonly has: Bitfield
}

/** A request that has been made, and whose block is not stored. */
export interface BlockRequest {
  readonly neighbour: Neighbour
  readonly block: number
  readonly askedAtMs: number
  /** The bytes are here, and are being verified and stored. */
  delivered: boolean
}

/** What the picker knows of one download. Plain data, changed by the functions of this folder only. */
export interface Download {
  /** Blocks that are verified and stored. Belongs to the caller. */
  readonly have: Bitfield
  readonly blockSizeBytes: number
  /** A preheat gives way to downloads that somebody waits for. */
  background: boolean
  /** Blocks known so far: indices 0 ≤ index < `blockCount`. */
  blockCount: number
  /** Whether these are all blocks of the task. The end game waits for it. */
  mapComplete: boolean
  readonly neighbours: Map<string, Neighbour>
  readonly supernode: Neighbour
  /** Blocks to be fetched from the supernode. */
  readonly grants: Set<number>
  /** Open requests by block, and the same blocks as bits. */
  readonly requests: Map<number, BlockRequest[]>
  readonly asked: Bitfield
  /** How many neighbours hold each block; missing entries are zeros. */
  holders: Uint8Array
  /** For each active reader the block that it needs next. */
  heads: readonly number[]
  /** Of the random choices among equals. */
  seed: number
}
