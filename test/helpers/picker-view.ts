import type { NeighbourView, PickView } from '../../dfget/peer/picker/view.ts'
import { Bitfield } from '../../protocol/bitfield.ts'

/** The inventory of these blocks. */
export function holding(blocks: Iterable<number>): Bitfield {
  const field = new Bitfield()
  for (const block of blocks) field.add(block)
  return field
}

/** An idle neighbour of ordinary speed. */
export function neighbour(peer: string, blocks: Iterable<number>, rest: Partial<NeighbourView> = {}): NeighbourView {
  return { peer, has: holding(blocks), inFlight: 0, rateBytesPerMs: 1_000, suspect: false, ...rest }
}

/** The view of a peer that has nothing and has asked nobody. */
export function viewOf(rest: Partial<PickView> = {}): PickView {
  return {
    now: 0,
    blockCount: 16,
    mapComplete: true,
    blockSizeBytes: 1024 * 1024,
    have: holding([]),
    inFlight: new Map(),
    grants: new Set(),
    supernode: 'supernode',
    neighbours: [],
    heads: [],
    window: 4,
    maxInFlight: 100,
    maxInFlightPerPeer: 100,
    randomSeed: 1,
    ...rest,
  }
}
