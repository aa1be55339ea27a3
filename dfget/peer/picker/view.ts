import type { Bitfield } from '../../../protocol/bitfield.ts'

/** A neighbour as the picker sees it. */
export interface NeighbourView {
  readonly peer: string
  readonly has: Bitfield
  /** Blocks that it has been asked for and has not delivered. */
  readonly inFlight: number
  /** What it has been delivering, in bytes per millisecond; 0 while nothing is known. */
  readonly rateBytesPerMs: number
  /** It stalled or lied lately: asked only when nobody else can be. */
  readonly suspect: boolean
}

/** All that the choice of the next requests depends on. Nothing of it is changed. */
export interface PickView {
  /** Milliseconds on any monotonic scale. */
  readonly now: number
  /** Blocks known so far: indices 0 ≤ index < `blockCount`. */
  readonly blockCount: number
  /** Whether these are all blocks of the task. The end game waits for it. */
  readonly mapComplete: boolean
  readonly blockSizeBytes: number
  readonly have: Bitfield
  /** Block → peers that have been asked for it and have neither delivered nor failed. */
  readonly inFlight: ReadonlyMap<number, readonly string[]>
  /** Blocks that this peer is to fetch from the supernode. */
  readonly grants: ReadonlySet<number>
  readonly supernode: string
  readonly neighbours: readonly NeighbourView[]
  /** For each active reader the block that it needs next. */
  readonly heads: readonly number[]
  /** Blocks from a head on that count as urgent. */
  readonly window: number
  readonly maxInFlight: number
  readonly maxInFlightPerPeer: number
  /** Any integer; another one for every call spreads the choices among equals. */
  readonly randomSeed: number
}

/** Ask this peer for this block. */
export interface BlockRequest {
  readonly peer: string
  readonly block: number
}
