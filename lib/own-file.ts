import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { DamselflyError } from '../protocol/errors.ts'

/** Permission bits that let others read or change a file: none of them may be set on a secret. */
export const OPEN_TO_OTHERS = 0o077

/** Permission bits that let others change a file. */
export const WRITABLE_BY_OTHERS = 0o022

/** What a program asks of a file that it has to trust. */
export interface OwnFileRules {
  /** Permission bits that must not be set. */
  readonly forbiddenMode: number
  /** What to do about a file that breaks the rules, for its owner: `remove it …`. */
  readonly advice: string
}

/**
 * Reads a file that this program once wrote, and that nobody else can have written or, for a secret, read. It is opened before it
 * is examined, so that what was examined is what is read.
 * @returns undefined when there is none
 * @throws DamselflyError CONFIG_INVALID for a symbolic link, anything but a file, one of another user, or one that is open to others
 */
export async function readOwnFile(path: string, { forbiddenMode, advice }: OwnFileRules): Promise<Buffer | undefined> {
  // A FIFO in its place must not hold the program up.
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const handle = await open(path, flags).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    const why = error.code === 'ELOOP' ? `is a symbolic link; ${advice}` : `cannot be opened: ${error.message}`
    throw new DamselflyError('CONFIG_INVALID', `${path} ${why}`, { cause: error })
  })
  if (handle === undefined) return undefined
  try {
    const stats = await handle.stat()
    const mode = stats.mode & 0o777
    if (!stats.isFile()) throw refusal(path, `is not a file; ${advice}`)
    if (stats.uid !== process.geteuid?.()) {
      throw refusal(path, `is owned by user ${stats.uid}, not by the user that runs this program; ${advice}`)
    }
    if ((mode & forbiddenMode) !== 0) {
      throw refusal(
        path,
        `is open to other users (mode ${mode.toString(8)}), who may know or have changed it; ${advice}`,
      )
    }
    return await handle.readFile()
  } finally {
    await handle.close()
  }
}

function refusal(path: string, why: string): DamselflyError {
  return new DamselflyError('CONFIG_INVALID', `${path} ${why}`)
}
