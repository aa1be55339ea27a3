import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { digestAlgorithm, digestHex, isDigest } from '../../protocol/digest.ts'
import { isTaskId, parseTaskId, type TaskId } from '../../protocol/task.ts'

/** The little that the store asks of a data file, so that tests can put a failing one in its place. */
export interface BlockFile {
  /** Writes at a position in bytes, possibly fewer bytes than given. @returns how many */
  write(bytes: Uint8Array, position: number): Promise<number>
  /** Reads from a position in bytes, possibly fewer bytes than fit. @returns how many, 0 at the end of the file */
  read(into: Uint8Array, position: number): Promise<number>
  sizeBytes(): Promise<number>
  /** Puts everything written on the disk. */
  sync(): Promise<void>
  /** Closes the file after the reads and writes under way. */
  close(): Promise<void>
}

/**
 * Opens a data file: `existing` rejects with ENOENT when there is none, `new` makes an empty one.
 * A symbolic link in its place is refused, and so is a file of another user, who could change verified bytes.
 */
export type OpenBlockFile = (path: string, mode: 'existing' | 'new') => Promise<BlockFile>

const FILE_MODE = 0o600

/** Opens a data file of the file system. */
export const openBlockFile: OpenBlockFile = async (path, mode) => {
  const create = mode === 'new' ? constants.O_CREAT | constants.O_TRUNC : 0
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW | create, FILE_MODE)
  try {
    await refuseForeign(handle, path)
  } catch (error) {
    await handle.close()
    throw error
  }
  return blockFileOf(handle)
}

async function refuseForeign(handle: FileHandle, path: string): Promise<void> {
  const stats = await handle.stat()
  if (stats.isFile() && stats.uid === process.geteuid?.()) return
  throw new Error(`${path} is not a file of the user that runs this program`)
}

function blockFileOf(handle: FileHandle): BlockFile {
  return {
    write: async (bytes, position) => (await handle.write(bytes, 0, bytes.length, position)).bytesWritten,
    read: async (into, position) => (await handle.read(into, 0, into.length, position)).bytesRead,
    sizeBytes: async () => (await handle.stat()).size,
    sync: () => handle.datasync(),
    close: () => handle.close(),
  }
}

/** The name of a task's data file: a fixed word and the hexadecimal digits of the validated task id, nothing else. */
export function fileNameOf(taskId: TaskId): string {
  const valid = parseTaskId(taskId)
  return isDigest(valid) ? `${digestAlgorithm(valid)}-${digestHex(valid)}` : valid.replace(':', '-')
}

/** The task whose data file has this name; undefined for a name that the store never gives. */
export function taskOfFileName(name: string): TaskId | undefined {
  const text = name.replace('-', ':')
  return isTaskId(text) && fileNameOf(text) === name ? text : undefined
}
