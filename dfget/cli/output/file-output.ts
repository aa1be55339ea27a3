import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, link, lstat, mkdir, open, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { NewNames } from './new-names.ts'
import type { Begun, Output } from './output.ts'

export interface FileOutputInit {
  /** File, or directory for a file of the suggested name; the current directory by default. */
  readonly output: string | undefined
  readonly suggestedName: string | undefined
  readonly overwrite: boolean
  /** Whether a file that exists is left as it is, and nothing is opened. */
  readonly skipExisting?: boolean
  /** Whether a file that exists is the beginning of what is to come. */
  readonly continue?: boolean
  /** Whether the directories on the way to the file are made. */
  readonly makeDirectories?: boolean
}

/** Notes where files get their names, which whoever made it puts on the disk. */
export interface FileOutputComponents {
  readonly names: NewNames
}

/** File systems allow names of 255 bytes; the rest of a temporary name has 42. */
const MAX_TEMPORARY_PREFIX_BYTES = 200

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'no permission; choose another place with --output',
  EPERM: 'no permission; choose another place with --output',
  EROFS: 'the file system is read-only; choose another place with --output',
  ENOENT: 'the directory does not exist; make it, or choose another with --output',
  ENOTDIR: 'a part of the path is no directory; choose another with --output',
  ENOSPC: 'the disk is full; free space, or choose another place with --output',
  EDQUOT: 'the disk quota is used up; free space, or choose another place with --output',
  EFBIG: 'the file system cannot hold a file of this size; choose another with --output',
  ENAMETOOLONG: 'the name is too long; choose another with --output',
}

/**
 * Opens a file output: bytes go to `<name>.<random>.part` beside the file, which gets its name when it is whole and on the disk. What is
 * continued is copied there first, so that the file stays as it is until then.
 * @returns undefined for a file that is to be skipped
 * @throws DamselflyError OUTPUT_FAILED when it could not be finished either; REQUEST_INVALID when there is no name
 */
export async function openFileOutput(
  { names }: FileOutputComponents,
  init: FileOutputInit,
): Promise<Output | undefined> {
  const target = await findTarget(init)
  if (target === undefined) return undefined
  const { path, exists: isThere } = target
  const name = basename(path)
  const prefix = Buffer.from(name).length > MAX_TEMPORARY_PREFIX_BYTES ? 'download' : name
  const temporary = join(dirname(path), `${prefix}.${randomUUID()}.part`)
  const begins = isThere && init.continue === true
  return failingAs(path, async () => {
    if (init.makeDirectories === true) await mkdir(dirname(path), { recursive: true })
    if (!begins) {
      const handle = await open(temporary, 'wx', 0o666)
      return new PartFile({ names, path, temporary, handle, overwrite: init.overwrite, begun: undefined })
    }
    await copyFile(path, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    const handle = await open(temporary, 'a+')
    return new PartFile({ names, path, temporary, handle, overwrite: true, begun: await begunOf(handle) })
  })
}

/**
 * Where a file output would go.
 * @returns undefined for a file that is to be skipped
 * @throws DamselflyError OUTPUT_FAILED when something is there that may not be replaced; REQUEST_INVALID when there is no name
 */
export async function findTarget(init: FileOutputInit): Promise<{ path: string; exists: boolean } | undefined> {
  const path = await targetOf(init)
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || init.overwrite) return { path, exists: found !== undefined }
  if (init.skipExisting === true) return undefined
  if (init.continue === true) {
    if ((await stat(path).catch(() => undefined))?.isFile() === true) return { path, exists: true }
    throw new DamselflyError('OUTPUT_FAILED', `${path} is no file that could be continued; name another with --output`)
  }
  throw alreadyThere(path)
}

async function begunOf(handle: FileHandle): Promise<Begun> {
  const { size: sizeBytes } = await handle.stat()
  return {
    sizeBytes,
    async *read(start) {
      if (start >= sizeBytes) return
      yield* handle.createReadStream({ start, end: sizeBytes - 1, autoClose: false }) as AsyncIterable<Uint8Array>
    },
  }
}

class PartFile implements Output {
  readonly path: string
  readonly name: string
  readonly begun: Begun | undefined
  readonly #temporary: string
  #handle: FileHandle
  readonly #overwrite: boolean
  readonly #names: NewNames
  #finished = false

  constructor(init: {
    path: string
    temporary: string
    handle: FileHandle
    overwrite: boolean
    begun: Begun | undefined
    names: NewNames
  }) {
    this.#names = init.names
    this.path = init.path
    this.begun = init.begun
    this.name = basename(init.path)
    this.#temporary = init.temporary
    this.#handle = init.handle
    this.#overwrite = init.overwrite
  }

  async write(bytes: Uint8Array): Promise<void> {
    // Not `handle.write`, which may write less than it was given.
    await failingAs(this.path, () => this.#handle.writeFile(bytes))
  }

  async replace(place: (path: string) => Promise<boolean>): Promise<number | undefined> {
    return failingAs(this.path, async () => {
      const { mode } = await this.#handle.stat()
      await this.#handle.close()
      await unlink(this.#temporary)
      const placed = await place(this.#temporary)
      this.#handle = await open(this.#temporary, placed ? 'r+' : 'wx', mode)
      if (!placed) return undefined
      await this.#handle.chmod(mode)
      return (await this.#handle.stat()).size
    })
  }

  async finish(): Promise<void> {
    await failingAs(this.path, async () => {
      await this.#handle.sync()
      await this.#handle.close()
      if (this.#overwrite) await rename(this.#temporary, this.path)
      else await this.#takeFreeName()
      this.#finished = true
      this.#names.add(dirname(this.path))
    })
  }

  async discard(): Promise<void> {
    if (this.#finished) return
    await this.#handle.close().catch(() => {})
    await unlink(this.#temporary).catch(() => {})
  }

  /** Unlike a rename, a link does not replace a file that has come in the meantime. */
  async #takeFreeName(): Promise<void> {
    try {
      await link(this.#temporary, this.path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST' || (await exists(this.path))) throw alreadyThere(this.path)
      // Not every file system has links.
      await rename(this.#temporary, this.path)
      return
    }
    await unlink(this.#temporary)
  }
}

async function targetOf({ output, suggestedName }: FileOutputInit): Promise<string> {
  const given = resolve(output ?? '.')
  const into = output === undefined || output.endsWith('/') || (await isDirectory(given))
  if (!into) return given
  if (suggestedName === undefined) {
    throw new DamselflyError('REQUEST_INVALID', 'the URL ends in no file name; name the file with --output')
  }
  const path = join(given, suggestedName)
  if (await isDirectory(path))
    throw new DamselflyError('OUTPUT_FAILED', `${path} is a directory; name a file with --output`)
  return path
}

function alreadyThere(path: string): DamselflyError {
  return new DamselflyError(
    'OUTPUT_FAILED',
    `${path} exists; --overwrite replaces it, --continue goes on behind it, --skip-existing leaves it, --output names another`,
  )
}

async function isDirectory(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isDirectory() === true
}

/** Also of a symbolic link that leads nowhere. */
async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}

async function failingAs<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DamselflyError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    throw new DamselflyError('OUTPUT_FAILED', `${path}: ${ADVICE[code] ?? message}`, { cause: error })
  }
}
