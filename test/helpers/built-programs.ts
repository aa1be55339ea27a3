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
  provide('builtPrograms', await buildInto(scratch.path, name === 'long' ? buildPackage : bundlePrograms))
  return async () => await scratch[Symbol.asyncDispose]()
}

/** Builds the programs into an empty directory, where they find what they need. @returns the folder with the programs */
export async function buildInto(
  directory: string,
  build: (built: string) => Promise<unknown> = bundlePrograms,
): Promise<string> {
  const built = join(directory, 'dist')
  await build(built)
  await copyFile(join(CHECKOUT, 'package.json'), join(directory, 'package.json'))
  await symlink(join(CHECKOUT, 'node_modules'), join(directory, 'node_modules'))
  return built
}
