import type { Situation } from '../scenarios/scenario.ts'

/** The physical limit of a situation, and the term of it that binds. */
export interface Bound {
  readonly boundMs: number
  readonly boundBy: 'seed' | 'slowest-link' | 'all-links' | 'zone-link' | 'origin'
}

/**
 * How long the content takes whatever the plan: max{F/u_s, F/d_min, N·F/(u_s + Σu_i)} (Kumar and Ross, HotWeb 2006), where d_min is the
 * slowest node whose time counts, and what reads the origin or joins zones is a link as any other.
 */
export function boundOf({ spec, counts }: Situation): Bound {
  const { supernode, peers, originBytesPerMs, zoneBytesPerMs } = spec
  const sizeBytes = spec.tasks.reduce((sum, task) => sum + task.sizeBytes, 0)
  const slowest = Math.min(
    ...peers.filter(counts).map(peer => Math.min(peer.downBytesPerMs, peer.diskBytesPerMs ?? Number.POSITIVE_INFINITY)),
  )
  const allUp = peers.reduce((sum, peer) => sum + peer.upBytesPerMs, supernode.upBytesPerMs)
  const terms: readonly Bound[] = [
    { boundBy: 'slowest-link', boundMs: sizeBytes / slowest },
    { boundBy: 'seed', boundMs: sizeBytes / supernode.upBytesPerMs },
    { boundBy: 'all-links', boundMs: (peers.length * sizeBytes) / allUp },
    { boundBy: 'origin', boundMs: sizeBytes / originBytesPerMs },
    { boundBy: 'zone-link', boundMs: zoneBytesPerMs === undefined ? 0 : sizeBytes / zoneBytesPerMs },
  ]
  return terms.reduce((most, term) => (term.boundMs > most.boundMs ? term : most))
}
