import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { type CacheEnvironment, cacheDirectory } from './cache-directory.ts'

const PRIVATE_MODE = 0o700
const WRITABLE_BY_OTHERS = 0o022

/**
 * Has Node keep compiled code for the next run, for a program whose start is a good part of all that it does. Code is read from
 * directories only that nobody else can write to: what lies there is run. Where that is not so, nothing is kept.
 * @returns whether it is kept
 */
export function keepCompiledCode(environment: CacheEnvironment = process.env): boolean {
  const above = cacheDirectory(environment)
  const ours = join(above, 'damselfly')
  const directories = [above, ours, join(ours, 'compiled')]
  try {
    directories.forEach(makeDirectory)
    if (!directories.every(isOurs)) return false
    enableCompileCache(directories.at(-1))
    return true
  } catch {
    return false
  }
}

/** Not mkdir's `recursive`, which never returns where nothing can be made (/proc). */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, PRIVATE_MODE)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

function isOurs(path: string): boolean {
  const { uid, mode } = statSync(path)
  return uid === process.geteuid?.() && (mode & WRITABLE_BY_OTHERS) === 0
}
