import { quantile } from '../../test/simulation/report/figures.ts'
import { PAYLOAD_SHARE } from '../../test/simulation/scenarios/scenario.ts'
import type { Conditions } from '../conditions.ts'
import { rounded } from '../measure/rounded.ts'
import { boundOf } from './bound.ts'
import type { SwarmPlan } from './config.ts'
import type { Counters, NodeCounters } from './counters.ts'

/** What a client says of its pull. Moments are milliseconds since 1970, with fractions. */
export interface ClientReport {
  readonly startedAt: number
  /** When the first byte of a layer came. */
  readonly firstByteAt: number
  readonly endedAt: number
  /** All that the manifest names was hashed and is right. */
  readonly manifestDigest: string
  /** Bytes of config and layers. */
  readonly imageBytes: number
  readonly cpuSeconds: number
}

/** What was counted while the swarm pulled. */
export interface SwarmCounts extends Counters {
  /** Busy part of the machine's processor time. */
  readonly cpuShare: number
}

/** Everything that was measured. */
export interface SwarmFigures extends SwarmPlan {
  /** Pulls through the swarm, one for each node. */
  readonly swarm: readonly ClientReport[]
  /** Pulls of the same nodes straight from the registry. */
  readonly direct: readonly ClientReport[]
  readonly counts: SwarmCounts
  /** What a plain TCP transfer got out of the links of two nodes, in bit/s of payload. */
  readonly linkBitsPerSecond: number
  /** How TCP decides how fast it sends, as the kernel calls it. */
  readonly congestionControl: string
  readonly wallMs: number
  readonly conditions: Conditions
}

/** A machine that is busier than this sets the pace itself, not the links. */
const CPU_BOUND_SHARE = 0.95

/**
 * The figures for programs, under the keys that the simulator has too. Ratios of times are to the bound, those of bytes to the
 * size of the image; `duplicateBlockRatio` is to the image's size at all nodes.
 */
export function swarmJson({ swarm, direct, counts, ...figures }: SwarmFigures) {
  const { nodes: peers, layers, rates, conditions } = figures
  const { imageBytes = Number.NaN } = swarm[0] ?? {}
  const { boundMs, boundBy } = boundOf(imageBytes, rates)
  const elapsed = elapsedMs(swarm).sort((a, b) => a - b)
  const [swarmMs, directMs] = [Math.max(...elapsed), Math.max(...elapsedMs(direct))]
  const ratio = (share: number) => rounded(quantile(elapsed, share) / boundMs, 3)
  return {
    scenario: 'swarm-real',
    // Nothing repeats a real run.
    seed: null,
    peers,
    boundMs: rounded(boundMs, 1),
    boundBy,
    p50Ratio: ratio(0.5),
    p99Ratio: ratio(0.99),
    p999Ratio: ratio(0.999),
    maxRatio: ratio(1),
    originRatio: rounded(counts.registryBytes / imageBytes, 4),
    supernodeEgressRatio: rounded(counts.supernode.uploadedBytes / imageBytes, 4),
    // All nodes are in one zone.
    crossZoneRatio: 0,
    duplicateBlockRatio: rounded(duplicateBytes(counts) / (imageBytes * peers), 4),
    controlMessagesPerPeer: rounded(counts.supernode.controlMessages / peers, 1),
    schedulerCpuMsPerPeer: rounded(counts.supernode.schedulerMs / peers, 3),
    wallMs: rounded(figures.wallMs, 0),
    directRatio: rounded(swarmMs / directMs, 4),
    directMs: rounded(directMs, 1),
    swarmMs: rounded(swarmMs, 1),
    linkMbps: rounded(figures.linkBitsPerSecond / 1e6, 2),
    payloadMbps: rounded((rates.node * PAYLOAD_SHARE) / 1e6, 2),
    cpuShare: rounded(counts.cpuShare, 3),
    cpuBound: counts.cpuShare > CPU_BOUND_SHARE,
    cpuSeconds: {
      supernode: rounded(counts.supernode.cpuSeconds, 2),
      dfdaemons: rounded(sum(counts.nodes.map(node => node.cpuSeconds)), 2),
      clients: rounded(sum(swarm.map(client => client.cpuSeconds)), 2),
    },
    imageBytes,
    layers,
    bitsPerSecond: rates,
    manifestDigest: swarm[0]?.manifestDigest,
    originReasons: counts.originReasons,
    nodes: swarm.map((client, index) => nodeJson(client, startOf(swarm), counts.nodes[index])),
    congestionControl: figures.congestionControl,
    conditions: { ...conditions, foreignCpuShare: rounded(conditions.foreignCpuShare, 3) },
  }
}

/** Times of pulls, since the first of them began. */
export function elapsedMs(pulls: readonly ClientReport[]): number[] {
  return pulls.map(({ endedAt }) => endedAt - startOf(pulls))
}

function nodeJson({ firstByteAt, endedAt }: ClientReport, startedAt: number, counters: NodeCounters | undefined) {
  return { firstByteMs: rounded(firstByteAt - startedAt, 1), doneMs: rounded(endedAt - startedAt, 1), ...counters }
}

function startOf(pulls: readonly ClientReport[]): number {
  return Math.min(...pulls.map(({ startedAt }) => startedAt))
}

/** What was sent beyond the one delivery of each block that a node books. Deliveries that were cut short are not in it. */
function duplicateBytes({ supernode, nodes }: SwarmCounts): number {
  const sent = supernode.uploadedBytes + sum(nodes.map(node => node.uploadedBytes))
  return Math.max(0, sent - sum(nodes.map(node => node.peerBytes + node.supernodeBytes)))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
