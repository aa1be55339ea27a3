import type { Labels } from '../../../supernode/scheduler/event.ts'

/** What is simulated. Sizes in bytes, rates in bytes per millisecond, times in milliseconds of the virtual clock. */
export interface WorldSpec {
  readonly seed: number
  readonly tasks: readonly TaskSpec[]
  readonly peers: readonly PeerSpec[]
  readonly supernode: SupernodeSpec
  /** What the registry sends to the supernode, or to all who read it when the supernode is gone. */
  readonly originBytesPerMs: number
  /** What joins each zone with the others, in each direction; unlimited when it is missing. The supernode is in no zone. */
  readonly zoneBytesPerMs?: number
  /** One way, for every message. */
  readonly latencyMs: number
  /** The share of what is sent that is lost and sent again, 0 ≤ loss < 1; none when it is missing. It lessens the rate of all links. */
  readonly loss?: number
  /**
   * How unequally flows share a link: the standard deviation of the natural logarithm of their weights, which are drawn for each
   * block; 0 when it is missing. TCP flows are equal only on average.
   */
  readonly unfairness?: number
  /** Tasks that a node pulls at once, as container runtimes do with layers. */
  readonly tasksAtOnce: number
}

/** One blob. */
export interface TaskSpec {
  readonly sizeBytes: number
  readonly blockBytes: number
}

/** A node. */
export interface PeerSpec {
  readonly labels: Labels
  readonly upBytesPerMs: number
  readonly downBytesPerMs: number
  /** What its disk takes; unlimited when it is missing. */
  readonly diskBytesPerMs?: number
  readonly arrivesAtMs: number
  readonly leavesAtMs?: number
  /** It corrupts what it sends. */
  readonly lies?: boolean
}

/** The supernode. */
export interface SupernodeSpec {
  readonly upBytesPerMs: number
  /** Blocks that it sends at once. */
  readonly uploadSlots: number
  readonly diesAtMs?: number
}
