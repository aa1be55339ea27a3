import { open } from 'node:fs/promises'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'

const MEMORY = '/dev/shm'
const PIECE_BYTES = 4 * 1024 * 1024

/**
 * Has the kernel use memory and free it again. A virtual machine that gives free memory back to its host gets it again page by
 * page, slower than a disk; whoever measures what comes next would measure the host. It is for what comes within a second or two; a
 * page cache that is full, as that of a node which has run for days, does as much for longer.
 * @throws the signal's reason
 */
export async function touchMemory(sizeBytes: number, { signal }: { signal: AbortSignal }): Promise<void> {
  await using scratch = await createScratchDirectory(MEMORY)
  await using file = await open(`${scratch.path}/touched`, 'w')
  const piece = new Uint8Array(PIECE_BYTES)
  for (let done = 0; done < sizeBytes; done += piece.length) {
    signal.throwIfAborted()
    await file.write(piece)
  }
}
