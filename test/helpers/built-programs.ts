import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildPackage, bundlePrograms, CHECKOUT } from '../../tools/build/build-package.ts'
import { createScratchDirectory } from './scratch-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder with the programs as they are published. */
    readonly builtPrograms?: string
  }
}

/**
 * Global setup of suites that run programs: builds them as they are published, into a folder of its own. From source a program takes
 * a second to start, and what reads TypeScript takes 16 MiB in each thread. Only the long suite looks at the rest of the package.
 * @returns removes the folder
 */
export async function setup({ provide, name }: TestProject): Promise<() => Promise<void>> {
  const scratch = await createScratchDirectory()
  const built = join(scratch.path, 'dist')
  await (name === 'long' ? buildPackage(built) : bundlePrograms(built))
  await copyFile(join(CHECKOUT, 'package.json'), join(scratch.path, 'package.json'))
  await symlink(join(CHECKOUT, 'node_modules'), join(scratch.path, 'node_modules'))
  provide('builtPrograms', built)
  return async () => await scratch[Symbol.asyncDispose]()
}
