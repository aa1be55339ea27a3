import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DamselflyError } from '../protocol/errors.ts'

const PRIVATE_MODE = 0o700

/**
 * Makes sure that a directory exists which nobody else can read or swap: created with mode 0700, tightened to 0700 when it
 * is wider. A directory is opened before it is examined, so that what was checked is what was tightened.
 * @throws DamselflyError CONFIG_INVALID when it is a symbolic link, no directory, or owned by another user; STORE_FAILED
 * when it cannot be created or opened
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  const absolute = resolve(path)
  const handle = await openDirectory(absolute)
  try {
    const { mode, uid } = await handle.stat()
    if (uid !== process.geteuid?.()) {
      throw refusal(absolute, `is owned by user ${uid}, not by the user that runs this program; choose another`)
    }
    if ((mode & 0o777) !== PRIVATE_MODE) await handle.chmod(PRIVATE_MODE)
  } finally {
    await handle.close()
  }
}

/**
 * Replaces a file as a whole: readers see the old bytes or the new ones, also after a crash.
 * @param mode permission bits of the new file, whatever the umask
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array | string, mode: number): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, `.${basename(path)}.${randomUUID()}`)
  const handle = await open(temporary, 'wx', mode)
  try {
    try {
      await handle.chmod(mode)
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await unlink(temporary).catch(() => {})
    throw error
  }
  await syncDirectory(directory)
}

async function openDirectory(path: string): Promise<FileHandle> {
  try {
    await makeDirectory(path)
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ELOOP' || code === 'ENOTDIR' || code === 'EEXIST') {
      throw refusal(path, 'is a symbolic link or not a directory; name the directory itself', error)
    }
    throw new DamselflyError('STORE_FAILED', `${path} cannot be created or opened: ${message}`, { cause: error })
  }
}

/** Makes a directory and those above it. Not mkdir's `recursive`, which never returns where nothing can be made (/proc). */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, PRIVATE_MODE)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
    await makeDirectory(dirname(path))
    await mkdir(path, PRIVATE_MODE)
  }
}

function refusal(path: string, reason: string, cause?: unknown): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `the directory ${path} ${reason}`, { cause })
}

/** Makes sure that a new name in a directory outlasts a crash. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
