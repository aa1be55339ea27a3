import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { chmod, type FileHandle, lstat, mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DamselflyError } from '../protocol/errors.ts'
import { WRITABLE_BY_OTHERS } from './own-file.ts'

const PRIVATE_MODE = 0o700
const STICKY = 0o1000
const WRITABLE_BY_ALL = 0o002

/**
 * Makes sure that a directory exists which nobody else can read or swap: created with mode 0700, tightened to 0700 when it
 * is wider. A directory is opened before it is examined, so that what was checked is what was tightened. When others could write
 * to it until now, everything in it has to be the user's own.
 * @throws DamselflyError CONFIG_INVALID when it is a symbolic link, no directory, owned by another user, below a directory in which
 * anybody may replace it, or holds what others put there; STORE_FAILED when it cannot be created or opened
 */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  const absolute = resolve(path)
  await refuseReplaceable(absolute)
  const handle = await openDirectory(absolute)
  try {
    const { mode, uid } = await handle.stat()
    if (uid !== process.geteuid?.()) {
      throw refusal(absolute, `is owned by user ${uid}, not by the user that runs this program; choose another`)
    }
    if ((mode & 0o777) !== PRIVATE_MODE) await tighten(handle, absolute, mode & 0o777)
    if ((mode & WRITABLE_BY_OTHERS) !== 0) await refuseForeignContent(absolute, absolute, uid)
  } finally {
    await handle.close()
  }
}

/** Without the sticky bit whoever may write to a directory may rename what is in it, whosever it is. */
async function refuseReplaceable(path: string): Promise<void> {
  for (let above = dirname(path); ; above = dirname(above)) {
    // Node's permission model may hide it. Whoever set that up has chosen the directory.
    const mode = await stat(above).then(
      stats => stats.mode,
      () => 0,
    )
    if ((mode & WRITABLE_BY_ALL) !== 0 && (mode & STICKY) === 0) {
      throw refusal(
        path,
        `could be replaced by anybody, who may write to ${above}; chmod o-w ${above}, or choose another`,
      )
    }
    if (above === dirname(above)) return
  }
}

async function tighten(handle: FileHandle, path: string, mode: number): Promise<void> {
  try {
    await handle.chmod(PRIVATE_MODE)
  } catch (error) {
    // Node's permission model has no permission for this call.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
    throw refusal(
      path,
      `has the mode ${mode.toString(8)}, and --permission lets nobody change it; chmod 700 ${path}`,
      error,
    )
  }
}

async function refuseForeignContent(root: string, directory: string, uid: number): Promise<void> {
  for (const { name } of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, name)
    const stats = await lstat(path)
    const isForeign = stats.uid !== uid
    if (isForeign || stats.isSymbolicLink()) {
      const what = isForeign ? `is owned by user ${stats.uid}` : 'is a symbolic link'
      throw refusal(root, `was open to others, and ${path} ${what}; remove it if you do not know it, or choose another`)
    }
    if (stats.isDirectory()) await refuseForeignContent(root, path, uid)
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
      // Not by its handle, which Node's permission model does not allow at all.
      if (((await handle.stat()).mode & 0o777) !== mode) await chmod(temporary, mode)
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
