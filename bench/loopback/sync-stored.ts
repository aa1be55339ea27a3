import { join } from 'node:path'
import { fileNameOf, openBlockFile } from '../../lib/blocks/block-file.ts'
import type { Digest } from '../../protocol/digest.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'

/**
 * Puts what a program has stored of a content on the disk, as its block store does when it stops.
 * @returns how long it took, in milliseconds
 */
export async function syncStored(dataDirectory: string, digest: Digest): Promise<number> {
  const file = await openBlockFile(join(dataDirectory, 'blocks', fileNameOf(taskIdOfDigest(digest))), 'existing')
  try {
    const startedAt = performance.now()
    await file.sync()
    return performance.now() - startedAt
  } finally {
    await file.close()
  }
}
