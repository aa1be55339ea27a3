import type { World } from '../world/world.ts'

/** How a swarm stood at one time. */
export interface Sample {
  readonly atMs: number
  /** Share of the nodes that have everything. */
  readonly complete: number
  /** Holders of the rarest block, and of an average one, as shares of the nodes. */
  readonly rarest: number
  readonly mean: number
}

/** The swarm as it stands now. O(blocks) */
export function sampleOf({ queue, peers, tasks }: World): Sample {
  let rarest = Number.POSITIVE_INFINITY
  let held = 0
  let blocks = 0
  for (const { holders } of tasks) {
    blocks += holders.length
    for (const count of holders) {
      held += count
      if (count < rarest) rarest = count
    }
  }
  const complete = peers.filter(peer => peer.finishedAtMs !== undefined).length
  return {
    atMs: queue.nowMs,
    complete: complete / peers.length,
    rarest: rarest / peers.length,
    mean: held / blocks / peers.length,
  }
}
