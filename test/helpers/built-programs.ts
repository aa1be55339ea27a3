import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { buildPackage, CHECKOUT } from '../../tools/build/build-package.ts'
import { createScratchDirectory } from './scratch-directory.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder with the programs as they are published, where a suite runs those. */
    readonly builtPrograms?: string
  }
}

/**
 * Global setup of suites that measure what programs cost: builds them as they are published, into a folder of its own. What
 * reads TypeScript takes 16 MiB in each thread, which no user's program has.
 * @returns removes the folder
 */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const scratch = await createScratchDirectory()
  const built = join(scratch.path, 'dist')
  await buildPackage(built)
  await copyFile(join(CHECKOUT, 'package.json'), join(scratch.path, 'package.json'))
  await symlink(join(CHECKOUT, 'node_modules'), join(scratch.path, 'node_modules'))
  provide('builtPrograms', built)
  return async () => await scratch[Symbol.asyncDispose]()
}
