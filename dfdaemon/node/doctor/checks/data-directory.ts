import { formatBytes, formatShare } from '../../../../lib/terminal/format.ts'
import type { Commands } from '../commands.ts'
import { type Finding, fail, ok, warn } from '../finding.ts'

/** The data directory and the file system that it is on, or would be on. */
export interface DataDirectoryFacts {
  /** Absolute. */
  readonly path: string
  readonly state:
    | 'usable'
    /** It will be made at the first start. */
    | 'missing'
    /** This user may not look into it or write to it. */
    | 'closed'
    | 'read-only'
    | 'no-directory'
    /** The file system does not answer. */
    | 'silent'
  /** Undefined where it cannot be asked. Files are inodes; 0 where the file system does not count them. */
  readonly space:
    | { readonly freeBytes: number; readonly sizeBytes: number; readonly freeFiles: number; readonly files: number }
    | undefined
  /** The user that doctor runs as. */
  readonly userId: number
  readonly daemonRuns: boolean
  readonly commands: Commands
}

const MIB = 1024 * 1024
/** Less than one block of each download that may run: nothing more is stored. */
const FAIL_FREE_BYTES = 256 * MIB
/** Images of ordinary size do not fit, so that blocks are gone before others have fetched them. */
const TINY_BYTES = 5 * 1024 * MIB
const WARN_FREE_SHARE = 0.1
const CHECK = 'data-directory'

/** Whether blocks can be stored. A dfdaemon without room hands pulls through from their registries. */
export function checkDataDirectory(facts: DataDirectoryFacts): Finding {
  const { path, state, space, userId, daemonRuns, commands } = facts
  const elsewhere = `${commands.start} --data-dir DIRECTORY`
  const larger = `${elsewhere}   # on a larger disk; or make room on this one`
  if (state === 'no-directory') return fail(CHECK, `${path} is not a directory`, elsewhere)
  if (state === 'read-only') return fail(CHECK, `${path} is on a read-only file system`, larger)
  if (state === 'silent') return fail(CHECK, `the file system of ${path} does not answer`, elsewhere)
  if (space === undefined) {
    return warn(CHECK, `user ${userId} cannot look at ${path}, so the disk was not checked`, `sudo ${commands.doctor}`)
  }
  const { freeBytes, sizeBytes, freeFiles, files } = space
  const room = `${formatBytes(freeBytes)} free of ${formatBytes(sizeBytes)} (${formatShare(freeBytes, sizeBytes)})`
  const shown = `${path}${state === 'missing' ? ' (not made yet)' : ''}: ${room}`
  if (freeBytes < FAIL_FREE_BYTES) return fail(CHECK, `${shown}: too little to store anything`, larger)
  if (files > 0 && freeFiles === 0) return fail(CHECK, `${shown}, but no file can be made: no inodes are left`, larger)
  if (sizeBytes < TINY_BYTES) return warn(CHECK, `${shown}: too small for images of ordinary size`, larger)
  if (freeBytes < sizeBytes * WARN_FREE_SHARE) return warn(CHECK, `${shown}: soon full`, larger)
  if (state === 'closed') {
    if (!daemonRuns) return fail(CHECK, `${path} is closed to user ${userId}`, `sudo chown -R ${userId} ${path}`)
    const what = `${shown}; whether it can be used was not checked, it is closed to user ${userId}`
    return warn(CHECK, what, `sudo ${commands.doctor}`)
  }
  return ok(CHECK, shown)
}
