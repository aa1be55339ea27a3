import { open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './process.ts'
import { missingDiskRequirements } from './requirements.ts'
import { createScratchDirectory, type ScratchDirectory } from './scratch-directory.ts'

/** A file system with little space. Whoever makes it disposes of it, when nobody uses it any more. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string
  /** Leaves no room. */
  fill(): Promise<void>
  /** Gives back the room that `fill` took. */
  free(): Promise<void>
  /** Makes a directory on it read-only for whoever opens a file there from now on. */
  freeze(directory: string): Promise<void>
}

const FILLER = 'filler'
const FILLER_PIECE_BYTES = 64 * 1024

/** Mounts an empty file system in memory. Needs root. */
export async function createSmallDisk(sizeBytes: number): Promise<SmallDisk> {
  const scratch = await createScratchDirectory()
  const { path } = scratch
  const filler = join(path, FILLER)
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeBytes}`, 'damselfly-test', path])
  } catch (error) {
    await scratch[Symbol.asyncDispose]()
    throw error
  }
  return {
    path,
    fill: () => fill(filler),
    free: () => unlink(filler),
    async freeze(directory) {
      await run('mount', ['--bind', directory, directory])
      await run('mount', ['-o', 'remount,bind,ro', directory])
    },
    async [Symbol.asyncDispose]() {
      // Lazily, so that a process which a failed test left behind cannot keep it.
      await run('umount', ['--recursive', '--lazy', path])
      await scratch[Symbol.asyncDispose]()
    },
  }
}

/** A small disk where this machine can have one, a directory of the usual one elsewhere. */
export async function createSmallDiskIfPossible(sizeBytes: number): Promise<ScratchDirectory> {
  return missingDiskRequirements().length === 0 ? createSmallDisk(sizeBytes) : createScratchDirectory()
}

async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (;;) await file.write(new Uint8Array(FILLER_PIECE_BYTES))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    await file.close()
  }
}
