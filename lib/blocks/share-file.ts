import { randomUUID } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, link, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * How two files have the same bytes on a disk once. `reflink`: each may be changed, and then keeps what was changed for itself
 * (ioctl_ficlone(2); btrfs, XFS and others). `hard-link`: they are one file with two names.
 */
export type SharingWay = 'reflink' | 'hard-link'

/**
 * Makes a file of another's bytes without copying them.
 * @returns false when that is not possible here, or something of the name exists
 */
export async function shareFile(from: string, to: string, way: SharingWay): Promise<boolean> {
  try {
    if (way === 'hard-link') await link(from, to)
    else await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
    return true
  } catch {
    return false
  }
}

/**
 * Tries which way files of one directory can be shared with another directory.
 * @param ways best first
 * @returns the first that works
 */
export async function findSharingWay(
  from: string,
  to: string,
  ways: readonly SharingWay[],
): Promise<SharingWay | undefined> {
  const name = `.${randomUUID()}.part`
  const [probe, shared] = [join(from, name), join(to, name)]
  try {
    await (await open(probe, 'wx', 0o600)).close()
    for (const way of ways) if (await shareFile(probe, shared, way)) return way
    return undefined
  } catch {
    return undefined
  } finally {
    for (const path of [probe, shared]) await unlink(path).catch(() => {})
  }
}
