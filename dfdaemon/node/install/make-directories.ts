import { dirname } from 'node:path/posix'
import type { FileSystem } from './file-system.ts'

const DIRECTORY_MODE = 0o755

/** The directories above a path, outermost first, without the root itself. */
export function directoriesAbove(path: string): string[] {
  const parent = dirname(path)
  return parent === '/' ? [] : [...directoriesAbove(parent), parent]
}

/** The directories above a path that are not there, outermost first. */
export async function missingAbove(fileSystem: FileSystem, path: string): Promise<string[]> {
  const missing: string[] = []
  for (const directory of directoriesAbove(await fileSystem.resolve(path))) {
    if (!(await fileSystem.isDirectory(directory))) missing.push(directory)
  }
  return missing
}

/** Makes the directories above a path that are not there. */
export async function makeDirectories(fileSystem: FileSystem, path: string): Promise<void> {
  for (const directory of await missingAbove(fileSystem, path))
    await fileSystem.makeDirectory(directory, DIRECTORY_MODE)
}
