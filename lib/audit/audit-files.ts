import { constants } from 'node:fs'
import { type FileHandle, open, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** Files of a log, the one that is written included. */
export const AUDIT_FILES = 5
const MODE = 0o600

/** The file that is written (0), and those before it, `audit.log.1` the newest. */
export function auditPath(dataDir: string, age = 0): string {
  return join(dataDir, age === 0 ? 'audit.log' : `audit.log.${age}`)
}

/**
 * Opens the file that is written, at its end. It is for its owner alone.
 * @throws the system's error; Error when it is a link or no plain file, or open to others under Node's permission model
 */
export async function openForAppend(dataDir: string): Promise<FileHandle> {
  // Not write-only: its last line is read, and a pipe would wait for a reader.
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await open(auditPath(dataDir), flags, MODE)
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new Error(`${auditPath(dataDir)} is no plain file`)
    if ((stats.mode & 0o777) !== MODE) await tighten(file, auditPath(dataDir))
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function tighten(file: FileHandle, path: string): Promise<void> {
  try {
    await file.chmod(MODE)
  } catch (error) {
    // Node's permission model has no permission for this call.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error
    throw new Error(`${path} is not for its owner alone, and --permission lets nobody change it; chmod 600 ${path}`)
  }
}

/** Opens a file that is only read; undefined where there is none. @throws the system's error, for a link too */
export async function openForReading(dataDir: string, age: number): Promise<FileHandle | undefined> {
  try {
    return await open(auditPath(dataDir, age), constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Moves each file to the next age; the oldest is gone. The file that was written is then `audit.log.1`. */
export async function rotate(dataDir: string): Promise<void> {
  for (let age = AUDIT_FILES - 2; age >= 0; age--) {
    await rename(auditPath(dataDir, age), auditPath(dataDir, age + 1)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

/** The last line of a file, with or without its end; empty for an empty file. @param maxBytes that it can have at most */
export async function lastLine(file: FileHandle, maxBytes: number): Promise<{ line: Buffer; isEnded: boolean }> {
  const { size } = await file.stat()
  const length = Math.min(size, maxBytes)
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, size - length)
  const tail = buffer.subarray(0, bytesRead)
  const isEnded = tail.at(-1) === 0x0a
  const text = isEnded ? tail.subarray(0, -1) : tail
  return { line: text.subarray(text.lastIndexOf(0x0a) + 1), isEnded: isEnded || size === 0 }
}
