import type { Situation } from '../scenarios/scenario.ts'
import type { World } from '../world/world.ts'
import { type Bound, boundOf } from './bound.ts'

/** What a run came to. Ratios of time are a node's time from its coming to its last byte, divided by the bound. */
export interface Figures extends Bound {
  readonly scenario: string
  readonly seed: number
  readonly peers: number
  readonly minRatio: number
  readonly p50Ratio: number
  readonly p99Ratio: number
  readonly p999Ratio: number
  readonly maxRatio: number
  /** Bytes that left the origin, divided by the size. */
  readonly originRatio: number
  readonly supernodeEgressRatio: number
  /** Bytes that went into a zone from outside, divided by the size. */
  readonly crossZoneRatio: number
  /** Bytes that were not needed or wrong, divided by those that were needed. */
  readonly duplicateBlockRatio: number
  readonly controlMessagesPerPeer: number
  readonly blocks: number
  readonly schedulerCpuMsPerPeer: number
  readonly schedulerEventsPerSecond: number
  readonly schedulerBytesPerPeer: number
  readonly virtualMs: number
  readonly wallMs: number
}

/** The figures of a run that is over. */
export function figuresOf(
  scenario: string,
  situation: Situation,
  world: World,
  measured: { readonly wallMs: number; readonly schedulerBytesPerPeer: number },
): Figures {
  const { spec, counts } = situation
  const bound = boundOf(situation)
  const sizeBytes = spec.tasks.reduce((sum, task) => sum + task.sizeBytes, 0)
  const ratios = world.peers
    .filter(peer => counts(peer.spec) && peer.finishedAtMs !== undefined)
    .map(peer => ((peer.finishedAtMs ?? 0) - peer.spec.arrivesAtMs) / bound.boundMs)
    .sort((a, b) => a - b)
  const { supernode, peers, origin } = world
  const wastedBytes = peers.reduce((sum, peer) => sum + peer.wastedBytes, 0)
  return {
    scenario,
    seed: spec.seed,
    peers: peers.length,
    ...bound,
    boundMs: rounded(bound.boundMs),
    minRatio: rounded(ratios[0] ?? 0),
    p50Ratio: rounded(quantile(ratios, 0.5)),
    p99Ratio: rounded(quantile(ratios, 0.99)),
    p999Ratio: rounded(quantile(ratios, 0.999)),
    maxRatio: rounded(ratios.at(-1) ?? 0),
    originRatio: rounded((origin.sentBytes + origin.uploads.sentBytes) / sizeBytes),
    supernodeEgressRatio: rounded(supernode.uploads.sentBytes / sizeBytes),
    crossZoneRatio: rounded(world.crossZoneBytes / sizeBytes),
    duplicateBlockRatio: rounded(wastedBytes / (sizeBytes * peers.length)),
    controlMessagesPerPeer: rounded(world.controlMessages / peers.length),
    blocks: world.tasks.reduce((sum, task) => sum + task.blockCount, 0),
    schedulerCpuMsPerPeer: rounded(supernode.schedulerMs / peers.length),
    schedulerEventsPerSecond: Math.round(supernode.schedulerEvents / (supernode.schedulerMs / 1000)),
    schedulerBytesPerPeer: Math.round(measured.schedulerBytesPerPeer),
    virtualMs: rounded(world.queue.nowMs),
    wallMs: Math.round(measured.wallMs),
  }
}

/** The value that a share of all values do not exceed (nearest rank). @param sorted in ascending order */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

function rounded(value: number): number {
  return Math.round(value * 10_000) / 10_000
}
