import { rmSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { formatBytes } from '../../lib/terminal/format.ts'
import { DamselflyError } from '../../protocol/errors.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../test/helpers/scratch-directory.ts'

/** `f_type` of a file system whose files are memory (statfs(2), `TMPFS_MAGIC`). */
const TMPFS = 0x01021994

/**
 * Makes an empty directory for what a benchmark stores. Disposing removes it; so does an exit that skips the disposal.
 * @param parent where to make it
 * @throws DamselflyError CONFIG_INVALID when that is no directory, cannot be written, or has no room
 */
export async function createStoreDirectory(
  parent: string,
  { neededBytes }: { neededBytes: number },
): Promise<ScratchDirectory> {
  await using making = new AsyncDisposableStack()
  const scratch = making.use(
    await createScratchDirectory(parent).catch(error => Promise.reject(unsuitable(parent, error))),
  )
  const freeBytes = await freeBytesOf(scratch.path)
  if (freeBytes < neededBytes) {
    const room = `${formatBytes(freeBytes)} of room, and ${formatBytes(neededBytes)} are needed`
    throw new DamselflyError('CONFIG_INVALID', `${parent} has ${room}; make room, or choose a smaller size`)
  }
  const removeAtExit = () => rmSync(scratch.path, { recursive: true, force: true, maxRetries: 5 })
  process.on('exit', removeAtExit)
  making.defer(() => void process.off('exit', removeAtExit))
  const made = making.move()
  return { path: scratch.path, [Symbol.asyncDispose]: () => made.disposeAsync() }
}

async function freeBytesOf(path: string): Promise<number> {
  const { type, bavail, bsize } = await statfs(path)
  return Math.min(bavail * bsize, type === TMPFS ? process.availableMemory() : Number.POSITIVE_INFINITY)
}

function unsuitable(path: string, cause: Error): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `nothing can be stored in ${path}: ${cause.message}`, { cause })
}
