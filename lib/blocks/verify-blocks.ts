import { type BlockDigest, blockRange, sameBlockDigest } from '../../protocol/block-map.ts'
import type { BlockMemory } from './block-loads.ts'
import type { TaskShape } from './block-store.ts'

/** Blocks read and hashed at once: enough to keep the disk and the hash threads busy, at most 16 MiB of memory. */
const PARALLEL_BLOCKS = 4

/** The blocks that cannot be in the file, because it ends before they do or the content does. */
export function blocksPastEnd(indices: Iterable<number>, shape: TaskShape, fileBytes: number): number[] {
  return [...indices].filter(index => {
    const { start, end } = blockRange(index, shape.blockSizeBytes, shape.sizeBytes)
    return start >= end || end > fileBytes
  })
}

/** Whether a stored block has the bytes that it was written with. @param read reads it; false when its bytes have gone */
export async function isIntact(
  { buffers, hasher }: BlockMemory,
  { lengthBytes, digest }: { readonly lengthBytes: number; readonly digest: BlockDigest },
  read: (into: Uint8Array) => Promise<boolean>,
): Promise<boolean> {
  const block = buffers.take(lengthBytes)
  try {
    return (await read(block.bytes)) && sameBlockDigest(await hasher.blockDigest(block.bytes), digest)
  } finally {
    block.release()
  }
}

/**
 * Looks at blocks and tells which are damaged.
 * @param signal ends the work early
 */
export async function findDamagedBlocks(
  digests: ReadonlyMap<number, BlockDigest>,
  isDamaged: (index: number, digest: BlockDigest) => Promise<boolean>,
  signal: AbortSignal,
): Promise<number[]> {
  const damaged: number[] = []
  const queue = digests.entries()

  async function work(): Promise<void> {
    for (const [index, digest] of queue) {
      signal.throwIfAborted()
      if (await isDamaged(index, digest)) damaged.push(index)
    }
  }

  await Promise.all(Array.from({ length: PARALLEL_BLOCKS }, work))
  return damaged
}
