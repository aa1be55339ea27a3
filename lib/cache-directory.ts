import { homedir } from 'node:os'
import { join } from 'node:path'

/** The variables of the environment that matter here. */
export interface CacheEnvironment {
  readonly XDG_CACHE_HOME?: string | undefined
  readonly HOME?: string | undefined
}

/** The directory for what a user's programs can make anew (XDG Base Directory Specification). It need not exist. */
export function cacheDirectory({ XDG_CACHE_HOME: cache = '', HOME: home = '' }: CacheEnvironment): string {
  // The specification says to ignore relative paths.
  if (cache.startsWith('/')) return cache
  return join(home.startsWith('/') ? home : homedir(), '.cache')
}
