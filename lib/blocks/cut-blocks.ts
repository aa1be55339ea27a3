import { copyInto } from '../../protocol/copy-into.ts'
import type { BlockBuffer, BlockBuffers } from './block-buffers.ts'

/**
 * Cuts a byte stream into blocks of one size; the last may be shorter, and an empty stream has none. Whoever reads the blocks
 * holds each and releases it.
 */
export async function* cutBlocks(
  body: AsyncIterable<Uint8Array>,
  blockSizeBytes: number,
  buffers: BlockBuffers,
): AsyncGenerator<BlockBuffer> {
  let block: BlockBuffer | undefined
  let filled = 0
  for await (const chunk of body) {
    for (let at = 0; at < chunk.length; ) {
      block ??= buffers.take(blockSizeBytes)
      const taken = Math.min(blockSizeBytes - filled, chunk.length - at)
      copyInto(block.bytes, filled, chunk.subarray(at, at + taken))
      filled += taken
      at += taken
      if (filled === blockSizeBytes) {
        yield block
        block = undefined
        filled = 0
      }
    }
  }
  if (block !== undefined) yield { ...block, bytes: block.bytes.subarray(0, filled) }
}
