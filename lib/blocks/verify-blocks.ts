import { webcrypto } from 'node:crypto'
import { type BlockDigest, blockRange, sameBlockDigest } from '../../protocol/block-map.ts'
import type { BlockFile } from './block-file.ts'
import type { TaskShape } from './block-store.ts'
import { readFully } from './disk-task.ts'

/** Blocks read and hashed at once: enough to keep the disk and the hash threads busy, at most 16 MiB of memory. */
const PARALLEL_BLOCKS = 4

/** The blocks that cannot be in the file, because it ends before they do or the content does. */
export function blocksPastEnd(indices: Iterable<number>, shape: TaskShape, fileBytes: number): number[] {
  return [...indices].filter(index => {
    const { start, end } = blockRange(index, shape.blockSizeBytes, shape.sizeBytes)
    return start >= end || end > fileBytes
  })
}

/**
 * Hashes blocks and tells which do not have the bytes they were written with. Hashing runs off the main thread.
 * @param signal ends the work early
 */
export async function findDamagedBlocks(
  file: BlockFile,
  digests: ReadonlyMap<number, BlockDigest>,
  shape: TaskShape,
  signal: AbortSignal,
): Promise<number[]> {
  const damaged: number[] = []
  const queue = digests.entries()

  async function work(): Promise<void> {
    for (const [index, expected] of queue) {
      signal.throwIfAborted()
      const { start, end } = blockRange(index, shape.blockSizeBytes, shape.sizeBytes)
      const bytes = await readFully(file, start, end - start)
      const actual = bytes && new Uint8Array(await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
      if (actual === undefined || !sameBlockDigest(actual as BlockDigest, expected)) damaged.push(index)
    }
  }

  await Promise.all(Array.from({ length: PARALLEL_BLOCKS }, work))
  return damaged
}
