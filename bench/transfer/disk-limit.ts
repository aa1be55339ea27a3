import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { openBlockFile } from '../../lib/blocks/block-file.ts'
import type { DiskWrite } from './figures.ts'

/** What is written. */
export interface DiskLimitInit {
  readonly sizeBytes: number
  /** Bytes of each write; the last may be shorter. */
  readonly writeBytes: number
}

/**
 * Measures what a disk takes: one block after the other, from memory, to an empty file by the functions that the block store
 * writes with. The page cache takes most of it at once, however slow the disk; so the sync, with which the store ends too, is
 * measured as well, and that of what a peer has stored is measured in the same way.
 * @param directory on the disk; the file stays there
 * @throws NodeJS.ErrnoException when the disk is full or fails; the signal's reason
 */
export async function measureDiskLimit(
  directory: string,
  { sizeBytes, writeBytes }: DiskLimitInit,
  { signal }: { signal: AbortSignal },
): Promise<DiskWrite> {
  const block = randomFillSync(new Uint8Array(Math.min(writeBytes, sizeBytes)))
  const file = await openBlockFile(join(directory, 'written'), 'new')
  try {
    const startedAt = performance.now()
    for (let position = 0; position < sizeBytes; ) {
      signal.throwIfAborted()
      const left = sizeBytes - position
      position += await file.write(left < block.length ? block.subarray(0, left) : block, position)
    }
    const writtenAt = performance.now()
    await file.sync()
    return { elapsedMs: writtenAt - startedAt, syncMs: performance.now() - writtenAt }
  } finally {
    await file.close()
  }
}
