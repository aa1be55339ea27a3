import { webcrypto } from 'node:crypto'
import { type BlockDigest, blockRange, sameBlockDigest } from '../../protocol/block-map.ts'
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

/** Whether a block has the bytes that it was written with. Hashing runs off the main thread. */
export async function isIntact(bytes: Uint8Array | undefined, expected: BlockDigest): Promise<boolean> {
  if (bytes === undefined) return false
  const digest = await webcrypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return sameBlockDigest(new Uint8Array(digest) as BlockDigest, expected)
}

/**
 * Hashes blocks and tells which do not have the bytes that they were written with.
 * @param read gives the bytes of a block, or undefined where they are gone
 * @param signal ends the work early
 */
export async function findDamagedBlocks(
  digests: ReadonlyMap<number, BlockDigest>,
  read: (index: number) => Promise<Uint8Array | undefined>,
  signal: AbortSignal,
): Promise<number[]> {
  const damaged: number[] = []
  const queue = digests.entries()

  async function work(): Promise<void> {
    for (const [index, expected] of queue) {
      signal.throwIfAborted()
      if (!(await isIntact(await read(index), expected))) damaged.push(index)
    }
  }

  await Promise.all(Array.from({ length: PARALLEL_BLOCKS }, work))
  return damaged
}
