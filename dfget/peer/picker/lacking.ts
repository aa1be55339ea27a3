import { isOffered } from './neighbours.ts'
import type { Download } from './state.ts'

/** Blocks named to the supernode at once, at most, and bytes. */
const MAX_NAMED = 8
const MAX_NAMED_BYTES = 4 * 1024 * 1024

/** The block that a reader waits for, and those right behind it that nobody can be asked for either. O(blocks named × neighbours). */
export function lackingFrom(download: Download, head: number, nowMs: number): readonly number[] {
  const { have, requests, grants, blockCount, blockSizeBytes } = download
  const most = Math.max(1, Math.min(MAX_NAMED, Math.floor(MAX_NAMED_BYTES / blockSizeBytes)))
  const lacking = [head]
  for (let block = head + 1; block < Math.min(head + most, blockCount); block++) {
    if (have.has(block) || requests.has(block) || grants.has(block)) continue
    if (!isOffered(download, block, nowMs)) lacking.push(block)
  }
  return lacking
}
