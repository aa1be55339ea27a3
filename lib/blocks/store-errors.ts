import { DamselflyError } from '../../protocol/errors.ts'

/**
 * Turns an I/O failure below the store into a table error: no space and an exhausted quota are STORE_FULL, everything
 * else STORE_FAILED. Table errors pass through.
 * @param doing what was tried, `writing block 3`
 */
export function toStoreError(error: unknown, doing: string): DamselflyError {
  if (error instanceof DamselflyError) return error
  const { code, message } = describe(error)
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left|quota exceeded/i.test(message)) {
    return new DamselflyError('STORE_FULL', `${doing}: free space on the disk of the data directory`, { cause: error })
  }
  // Level says in words only what the system said.
  const advice =
    ADVICE[/read-only file system/i.test(message) ? 'EROFS' : (code ?? '')] ??
    'check the disk of the data directory and the kernel log'
  return new DamselflyError('STORE_FAILED', `${doing}: ${message}; ${advice}`, { cause: error })
}

const ADVICE: Record<string, string> = {
  EACCES: 'give the user that runs this program the data directory',
  EPERM: 'give the user that runs this program the data directory',
  EROFS: 'mount the file system of the data directory writable',
  EMFILE: 'raise the limit of open files (ulimit -n)',
  ENFILE: 'raise the limit of open files of the system (fs.file-max)',
  EFBIG: 'the file system of the data directory cannot hold a file of this size',
  ELOOP: 'remove the symbolic link from the data directory',
  LEVEL_LOCKED: 'another process uses this data directory; stop it or configure another directory',
}

/** Level wraps what went wrong: the code that says it is the innermost one. */
function describe(error: unknown): { code: string | undefined; message: string } {
  let innermost = error
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause
  const { code, message } = innermost as { code?: string; message?: string }
  return { code, message: message ?? String(error) }
}

/** Whether a failure to open the database says that its files are damaged, rather than locked or out of reach. */
export function isDamagedDatabase(error: unknown): boolean {
  const { code, message } = describe(error)
  // A table that is too short to be one is an invalid argument to it.
  const damaged = code === 'LEVEL_CORRUPTION' || code === 'LEVEL_DECODE_ERROR'
  return damaged || /corrupt|does not exist|missing files|no such file|invalid argument/i.test(message)
}
