import { lot, mix } from './mix.ts'
import { isOffered } from './neighbours.ts'
import type { Download } from './state.ts'

/** Whether a block can come from the origin only: it is neither here nor on its way, and nobody offers it. */
export function onlyOriginHas(download: Download, block: number, nowMs: number): boolean {
  const { have, asked, grants } = download
  return !have.has(block) && !asked.has(block) && !grants.has(block) && !isOffered(download, block, nowMs)
}

/**
 * Where to begin to read the origin when a whole swarm lacks what only the origin has: every node reads something else, and
 * the nodes give each other what they have read. About one in each neighbourhood begins with `head`, which its reader waits for;
 * the others with any block that their neighbours lack. O(blocks)
 */
export function chooseOriginBlock(download: Download, head: number, nowMs: number): number {
  const { blockCount, neighbours } = download
  if (head >= blockCount) return head
  download.seed = (download.seed + 1) | 0
  if (mix(download.seed, blockCount) % (neighbours.size + 1) === 0) return head
  let chosen = head
  let seen = 0
  for (let block = 0; block < blockCount; block++) {
    if (onlyOriginHas(download, block, nowMs) && lot(mix(download.seed, block), ++seen)) chosen = block
  }
  return chosen
}
