import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createScratchDirectory } from '../../test/helpers/scratch-directory.ts'
import { buildPackage, CHECKOUT } from '../../tools/build/build-package.ts'

/** The programs as they are published. Disposing removes them. */
export interface BuiltPrograms extends AsyncDisposable {
  /** The file that Node runs. */
  main(program: 'dfget' | 'supernode'): string
}

/** Builds the programs as they are published. */
export async function buildPrograms(): Promise<BuiltPrograms> {
  await using making = new AsyncDisposableStack()
  const scratch = making.use(await createScratchDirectory())
  await buildPackage(join(scratch.path, 'dist'))
  await copyFile(join(CHECKOUT, 'package.json'), join(scratch.path, 'package.json'))
  await symlink(join(CHECKOUT, 'node_modules'), join(scratch.path, 'node_modules'))
  const made = making.move()
  return {
    main: program => join(scratch.path, 'dist', program, 'main.js'),
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  }
}
