import { blockSizeFor } from '../../../protocol/block-size.ts'
import { SUPERNODE_UPLOADS } from '../../../supernode/limits.ts'
import type { PeerSpec, TaskSpec, WorldSpec } from '../world/spec.ts'

/** What a run may change about any scenario. */
export interface ScenarioOptions {
  readonly seed: number
  /** Undefined: as the scenario has it. */
  readonly peers?: number | undefined
  /** Of all that is pulled, over all blobs. */
  readonly sizeBytes?: number | undefined
  /** Undefined: what the supernode would choose. */
  readonly blockBytes?: number | undefined
}

/** A situation with a name. */
export interface Scenario {
  readonly name: string
  readonly description: string
  build(options: ScenarioOptions): Situation
}

/** A world to be simulated, and whose times count. */
export interface Situation {
  readonly spec: WorldSpec
  readonly counts: (peer: PeerSpec) => boolean
}

const MEGABIT = 1e6 / 8 / 1000

/**
 * The part of a link's rate that is left for content. tbf counts whole Ethernet frames (1,514 bytes, the 4 of the checksum not
 * included), of which IPv4, TCP and its timestamps leave 1,448 at the usual MTU of 1,500. Acknowledgements on the way back,
 * encryption and our own framing are not taken off: what they cost shows in the ratios.
 */
export const PAYLOAD_SHARE = 1448 / 1514

/** Bytes per millisecond. */
export function megabits(perSecond: number): number {
  return perSecond * MEGABIT
}

/** Blobs of equal size. */
export function blobs(count: number, sizeBytes: number, blockBytes: number | undefined): TaskSpec[] {
  const each = Math.floor(sizeBytes / count)
  return Array.from({ length: count }, () => ({ sizeBytes: each, blockBytes: blockBytes ?? blockSizeFor(each) }))
}

/** Nodes with links of one rate in both directions. */
export function nodes(
  count: number,
  bytesPerMs: number,
  rest: (index: number) => Partial<PeerSpec> = () => ({}),
): PeerSpec[] {
  return Array.from({ length: count }, (_, index) => ({
    labels: {},
    upBytesPerMs: bytesPerMs,
    downBytesPerMs: bytesPerMs,
    arrivesAtMs: 0,
    ...rest(index),
  }))
}

/** What most scenarios share: a data centre with a registry and a supernode on 10 Gbit/s, and a runtime that pulls three layers at once. */
export const DATA_CENTRE = {
  supernode: { upBytesPerMs: megabits(10_000), uploadSlots: SUPERNODE_UPLOADS },
  originBytesPerMs: megabits(10_000),
  latencyMs: 0.25,
  tasksAtOnce: 3,
} as const

/** Everybody counts. */
export const EVERYBODY = () => true
