import { lstat, mkdir, open, readdir, readFile, realpath, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, relative, sep } from 'node:path'
import { syncDirectory } from '../../../lib/fs.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { FileSystem, StoredFile } from './file-system.ts'

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'permission denied; run this as root',
  EPERM: 'not permitted; run this as root',
  EROFS: 'the file system is read-only',
  EBUSY: 'it is mounted by itself and cannot be replaced',
}

/** The files below a directory of this machine; `/` for the machine itself. */
export function createRootedFileSystem(root: string): FileSystem {
  /** Where a path really is, or will be. */
  async function locate(path: string): Promise<string> {
    const top = await realpath(root)
    const missing: string[] = []
    for (let candidate = join(top, path); ; candidate = dirname(candidate)) {
      const real = await realpath(candidate).catch(tolerating('ENOENT'))
      if (real !== undefined) {
        if (real !== top && !real.startsWith(top === sep ? sep : top + sep)) throw leavesRoot(path, real)
        return join(real, ...missing)
      }
      if ((await lstat(candidate).catch(tolerating('ENOENT'))) !== undefined) throw leadsNowhere(candidate)
      missing.unshift(basename(candidate))
    }
  }

  function leavesRoot(path: string, real: string): DamselflyError {
    return new DamselflyError('CONFIG_INVALID', `${path} is a symbolic link to ${real}, outside of --root ${root}`)
  }

  const at = <T>(path: string, work: (real: string) => Promise<T>): Promise<T> =>
    explaining(path, async () => await work(await locate(path)))

  return {
    resolve: path =>
      at(path, async real => {
        return `/${relative(await realpath(root), real)}`
      }),

    read: path =>
      at(path, async real => {
        const found = await stat(real).catch(tolerating('ENOENT'))
        if (found === undefined) return undefined
        const { mode, uid, gid } = found
        return { bytes: await readFile(real), mode: mode & 0o7777, uid, gid }
      }),

    isDirectory: path =>
      at(path, async real => {
        const found = await stat(real).catch(tolerating('ENOENT'))
        return found?.isDirectory() === true
      }),

    list: path => at(path, async real => ((await readdir(real).catch(tolerating('ENOENT'))) ?? []).sort()),

    makeDirectory: (path, mode) =>
      at(path, async real => {
        const made = await mkdir(real, mode).then(() => true, tolerating('EEXIST'))
        if (made === undefined) return
        const handle = await open(real, 'r')
        try {
          // Whatever the umask.
          await handle.chmod(mode)
        } finally {
          await handle.close()
        }
        await syncDirectory(dirname(real))
      }),

    replace: (path, file) =>
      at(path, async real => {
        await unlink(stagingPath(real)).catch(tolerating('ENOENT'))
        try {
          await writeStaged(stagingPath(real), file)
          await rename(stagingPath(real), real)
        } catch (error) {
          await unlink(stagingPath(real)).catch(() => {})
          throw error
        }
        await syncDirectory(dirname(real))
      }),

    discardStaged: path =>
      at(path, async real => {
        await unlink(stagingPath(real)).catch(tolerating('ENOENT'))
      }),

    remove: path =>
      at(path, async real => {
        const removed = await unlink(real).then(() => true, tolerating('ENOENT'))
        if (removed === true) await syncDirectory(dirname(real))
      }),

    removeEmptyDirectory: path =>
      at(path, async real => {
        const removed = await rmdir(real).then(() => true, tolerating('ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'))
        return removed === true || !(await exists(real))
      }),
  }
}

/**
 * Where the new bytes of a file are until they are complete. The name is fixed, unlike that of `writeFileAtomically`, so that
 * what a killed run has left can be found and removed.
 */
export function stagingPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.damselfly-install`)
}

async function writeStaged(path: string, { bytes, mode, uid, gid }: StoredFile): Promise<void> {
  const handle = await open(path, 'wx', 0o600)
  try {
    await handle.chown(uid, gid)
    await handle.chmod(mode)
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(tolerating('ENOENT'))) !== undefined
}

function tolerating(...codes: string[]): (error: NodeJS.ErrnoException) => undefined {
  return error => {
    if (!codes.includes(error.code ?? '')) throw error
    return undefined
  }
}

async function explaining<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DamselflyError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new DamselflyError('OUTPUT_FAILED', `${path}: ${ADVICE[code] ?? message}`, { cause: error })
  }
}

function leadsNowhere(path: string): DamselflyError {
  return new DamselflyError(
    'CONFIG_INVALID',
    `${path} is a symbolic link that leads nowhere; remove it or make its target`,
  )
}
