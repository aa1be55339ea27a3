import type { Link } from './state.ts'

/** A peer that sends nothing for as long as so many blocks take has stalled. */
const PATIENCE_BLOCKS = 8
const MIN_STALL_MS = 500

/** Nobody who has requests may be silent for longer than this (design §8). */
export const MAX_STALL_MS = 2_000

/**
 * How long a peer that has requests may send nothing, in ms: a multiple of what a block has been taking, within bounds, and the
 * most while nothing is known.
 */
export function stallDeadlineMs(link: Link, blockBytes: number): number {
  if (link.rateBytesPerMs === 0) return MAX_STALL_MS
  const patienceMs = (PATIENCE_BLOCKS * blockBytes) / link.rateBytesPerMs
  return Math.min(Math.max(patienceMs, MIN_STALL_MS), MAX_STALL_MS)
}
