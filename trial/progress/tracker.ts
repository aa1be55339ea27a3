import type { Clock } from '../../lib/clock.ts'
import { RateMeter } from '../../lib/terminal/rate-meter.ts'
import type { PullListener } from '../pull-client.ts'
import type { NodeSnapshot, SourceBytes, TrialSnapshot } from './snapshot.ts'

/** How far back the shown rates look. */
const RATE_WINDOW_MS = 1_000

/** Collects how far one node is. */
export interface NodeTracker extends Pick<PullListener, 'planned' | 'received'> {
  /** Notes where the node's bytes came from so far. */
  downloaded(sources: SourceBytes): void
  /** Notes the end of its pull. */
  ended(state: 'verified' | 'failed'): void
  snapshot(): NodeSnapshot
}

/** Collects how far the trial is. Time begins when it is made. */
export interface Tracker {
  /** The tracker of a node, by its place in the names. */
  node(index: number): NodeTracker
  /** Notes how much the origin has sent so far. */
  originSent(bytes: number): void
  snapshot(): TrialSnapshot
}

/** @param names of the nodes, in the order in which they are shown */
export function createTracker(clock: Clock, names: readonly string[]): Tracker {
  const startMs = clock.now()
  const elapsed = () => clock.now() - startMs
  const nodes = names.map(name => createNodeTracker(name, elapsed))
  const originRate = new RateMeter(RATE_WINDOW_MS)
  let sentBytes = 0
  return {
    node(index) {
      const node = nodes[index]
      if (node === undefined) throw new RangeError(`there is no node ${index}`)
      return node
    },
    originSent(bytes) {
      sentBytes = bytes
    },
    snapshot() {
      const elapsedMs = elapsed()
      originRate.add(elapsedMs, sentBytes)
      const origin = { sentBytes, bytesPerSecond: originRate.bytesPerSecond ?? 0 }
      return { nodes: nodes.map(node => node.snapshot()), origin, elapsedMs }
    },
  }
}

function createNodeTracker(name: string, elapsed: () => number): NodeTracker {
  const rate = new RateMeter(RATE_WINDOW_MS)
  let state: NodeSnapshot['state'] = 'pulling'
  let receivedBytes = 0
  let imageBytes = 0
  let sources: SourceBytes = { peerBytes: 0, supernodeBytes: 0, originBytes: 0 }
  let endedMs: number | undefined
  return {
    planned(image) {
      imageBytes = image.imageBytes
    },
    received(bytes) {
      receivedBytes += bytes
    },
    downloaded(bytes) {
      sources = bytes
    },
    ended(how) {
      state = how
      endedMs = elapsed()
    },
    snapshot() {
      const elapsedMs = endedMs ?? elapsed()
      rate.add(elapsed(), receivedBytes)
      // After the end, the mean says more than the last second.
      const bytesPerSecond =
        endedMs === undefined ? (rate.bytesPerSecond ?? 0) : (receivedBytes / Math.max(endedMs, 1)) * 1000
      return { name, state, receivedBytes, imageBytes, bytesPerSecond, sources, elapsedMs }
    },
  }
}
