import { BlockMap } from '../../protocol/block-map.ts'
import type { TaskBlocks } from './block-store.ts'

/** The block map of a stored task, as far as its blocks are there without a gap from the beginning. */
export function storedBlockMap(blocks: TaskBlocks): BlockMap {
  const map = new BlockMap(blocks.blockSizeBytes, blocks.sizeBytes)
  for (let digest = blocks.digestAt(0); digest !== undefined; digest = blocks.digestAt(map.length)) map.append(digest)
  return map
}
