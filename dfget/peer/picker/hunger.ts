import { allAsked } from './download.ts'
import { isSuspect } from './link.ts'
import { mix } from './mix.ts'
import type { Download } from './state.ts'

/** A download is hungry when so large a part of its neighbours has nothing to give. */
const IDLE_PART = 1 / 4

/** Blocks named to the supernode at once. */
const MAX_NAMED = 32

/**
 * Blocks that could be on their way and are not, because neighbours have nothing that is wanted: those first that no neighbour
 * holds. Empty while the neighbours are busy: one that has stalled is not, whatever it has been asked for. O(blocks); to be called a few
 * times a second.
 */
export function hungryFor(download: Download, nowMs: number): readonly number[] {
  if (allAsked(download) || !isIdle(download, nowMs)) return []
  const { blockCount, have, asked, holders, grants } = download
  download.seed = (download.seed + 1) | 0
  const from = mix(download.seed, blockCount) % blockCount
  const unheld: number[] = []
  const held: number[] = []
  for (let step = 0; step < blockCount && unheld.length < MAX_NAMED; step++) {
    const block = (from + step) % blockCount
    if (have.has(block) || asked.has(block) || grants.has(block)) continue
    if ((holders[block] ?? 0) === 0) unheld.push(block)
    else if (held.length < MAX_NAMED) held.push(block)
  }
  return [...unheld, ...held].slice(0, MAX_NAMED)
}

function isIdle({ neighbours }: Download, nowMs: number): boolean {
  let idle = 0
  for (const { link } of neighbours.values()) if (link.requests === 0 || isSuspect(link, nowMs)) idle++
  return idle >= neighbours.size * IDLE_PART
}
