import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A temporary directory of a test. Whoever makes it removes it, or hands it to an `AsyncDisposableStack`. */
export interface ScratchDirectory extends AsyncDisposable {
  readonly path: string
}

/** Makes an empty directory under the system's temporary one, or under another. */
export async function createScratchDirectory(parent = tmpdir()): Promise<ScratchDirectory> {
  const path = await mkdtemp(join(parent, 'damselfly-'))
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }),
  }
}
