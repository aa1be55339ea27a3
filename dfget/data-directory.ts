import { hash, randomUUID } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type CacheEnvironment, cacheDirectory } from '../lib/cache-directory.ts'

/** Where a download keeps its blocks, and for how long. */
export interface DataDirectory {
  readonly path: string
  /** `always`: the user named it. `incomplete`: until the download is complete. `never`: nobody could find it again. */
  readonly kept: 'always' | 'incomplete' | 'never'
}

/**
 * The directories to try for a download, best first. A directory that the user named is the only one. By default each URL, or list of URLs, has its own in the user's cache (XDG Base Directory
 * Specification), so that downloads run side by side and an interrupted one finds its blocks again. Where that cannot be
 * used, because the same download is running or the cache cannot be written, a temporary one serves.
 * @param urls what tells runs apart
 */
export function dataDirectories(
  named: string | undefined,
  urls: readonly string[],
  environment: CacheEnvironment = process.env,
): DataDirectory[] {
  if (named !== undefined) return [{ path: resolve(named), kept: 'always' }]
  const path = join(
    cacheDirectory(environment),
    'damselfly',
    'dfget',
    hash('sha256', urls.toSorted().join('\n'), 'hex').slice(0, 32),
  )
  return [
    { path, kept: 'incomplete' },
    { path: join(tmpdir(), `damselfly-dfget-${randomUUID()}`), kept: 'never' },
  ]
}

/** Whether nobody asks a store for what has reached its output. @param lingerSeconds how long others are served from it */
export function isLastUse({ kept }: DataDirectory, lingerSeconds: number): boolean {
  return kept !== 'always' && lingerSeconds === 0
}

/** Removes a directory that is not to be kept. Nobody uses it any more. */
export async function clearDataDirectory(
  { path, kept }: DataDirectory,
  state: { complete: boolean; storedBytes: number },
): Promise<void> {
  const useful = kept === 'always' || (kept === 'incomplete' && !state.complete && state.storedBytes > 0)
  if (!useful) await rm(path, { recursive: true, force: true })
}
