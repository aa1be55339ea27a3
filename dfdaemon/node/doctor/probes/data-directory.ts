import { constants } from 'node:fs'
import { access, stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bounded } from '../bounded.ts'
import type { DataDirectoryFacts } from '../checks/data-directory.ts'

type Look = Pick<DataDirectoryFacts, 'state' | 'space'>

const STATES: Readonly<Record<string, DataDirectoryFacts['state']>> = {
  EACCES: 'closed',
  EPERM: 'closed',
  EROFS: 'read-only',
  ENOTDIR: 'no-directory',
}

/** Looks at the data directory, or at the directory in which it would be made. */
export async function probeDataDirectory(path: string): Promise<Look> {
  const looked = await bounded(() => lookAt(path))
  return 'value' in looked ? looked.value : { state: 'silent', space: undefined }
}

async function lookAt(path: string): Promise<Look> {
  let existing = path
  for (;;) {
    try {
      const found = await stat(existing)
      if (!found.isDirectory()) return { state: 'no-directory', space: undefined }
      break
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') return { state: STATES[code] ?? 'closed', space: undefined }
      existing = dirname(existing)
    }
  }
  const { bsize, bavail, blocks, ffree, files } = await statfs(existing)
  const space = { freeBytes: bavail * bsize, sizeBytes: blocks * bsize, freeFiles: ffree, files }
  try {
    await access(existing, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    return { state: STATES[(error as NodeJS.ErrnoException).code ?? ''] ?? 'closed', space }
  }
  return { state: existing === path ? 'usable' : 'missing', space }
}
