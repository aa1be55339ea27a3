import { rmSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const REMOVAL = { recursive: true, force: true, maxRetries: 5 } as const

/** A directory for what the programs of a trial store. Disposing removes it; so does an exit that skips the disposal. */
export async function createWorkDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'damselfly-trial-'))
  const removeAtExit = () => rmSync(path, REMOVAL)
  process.on('exit', removeAtExit)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, REMOVAL)
      process.off('exit', removeAtExit)
    },
  }
}
