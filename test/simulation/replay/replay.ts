import { quantile } from '../report/figures.ts'
import { DATA_CENTRE, megabits, type Situation } from '../scenarios/scenario.ts'
import type { Recording } from './recording.ts'

/** Rates of the links on which the recorded swarm ran, in Mbit/s: an event log does not tell them. */
export interface RecordedLinks {
  readonly nodeMbps: number
  readonly supernodeMbps: number
}

/** The recorded swarm as a situation to be simulated: the same peers, coming at the same times, pulling the same blobs. */
export function situationOf(
  { tasks, peers }: Recording,
  { nodeMbps, supernodeMbps }: RecordedLinks,
  seed: number,
): Situation {
  const rate = megabits(nodeMbps)
  return {
    spec: {
      ...DATA_CENTRE,
      seed,
      tasks: tasks.map(({ blocks, blockSizeBytes }) => ({
        sizeBytes: blocks * blockSizeBytes,
        blockBytes: blockSizeBytes,
      })),
      peers: peers.map(({ labels, arrivesAtMs }) => ({
        labels,
        arrivesAtMs,
        upBytesPerMs: rate,
        downBytesPerMs: rate,
      })),
      supernode: { ...DATA_CENTRE.supernode, upBytesPerMs: megabits(supernodeMbps) },
      originBytesPerMs: megabits(supernodeMbps),
    },
    counts: () => true,
  }
}

/** How the recorded swarm did, by the same measures as a simulated one. */
export function recordedFigures({ peers }: Recording, boundMs: number) {
  const times = peers.flatMap(({ arrivesAtMs, completeAtMs }) =>
    completeAtMs === undefined ? [] : [completeAtMs - arrivesAtMs],
  )
  const ratios = times.map(ms => ms / boundMs).sort((a, b) => a - b)
  const rounded = (value: number) => Math.round(value * 10_000) / 10_000
  return {
    recordedPeers: peers.length,
    recordedComplete: ratios.length,
    recordedP50Ratio: rounded(quantile(ratios, 0.5)),
    recordedMaxRatio: rounded(ratios.at(-1) ?? 0),
  }
}
