import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, rename, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { OPEN_TO_OTHERS, readOwnFile } from '../../../lib/own-file.ts'
import { loadOrCreateSeed } from '../../../lib/p2p/identity.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

const IS_ROOT = process.geteuid?.() === 0
const NOBODY = 65_534

let scratch: ScratchDirectory
let path: string

beforeEach(async () => {
  scratch = await createScratchDirectory()
  path = join(scratch.path, 'peer.key')
})

afterEach(() => scratch[Symbol.asyncDispose]())

const read = (file = path) => readOwnFile(file, { forbiddenMode: OPEN_TO_OTHERS, advice: 'remove it' })

/** A file that belongs to somebody else: only root can make one, and for everybody else there are those of root. */
async function foreignFile(): Promise<string> {
  if (!IS_ROOT) return '/etc/passwd'
  await writeFile(path, 'foreign', { mode: 0o600 })
  await chown(path, NOBODY, NOBODY)
  return path
}

describe('readOwnFile', () => {
  it('reads what only its owner may read, and knows of none', async () => {
    expect(await read()).toBeUndefined()
    await writeFile(path, 'secret', { mode: 0o600 })
    expect((await read())?.toString()).toBe('secret')
  })

  it.each([0o640, 0o604, 0o660, 0o777])('refuses mode %o and says what to do', async mode => {
    await writeFile(path, 'secret')
    await chmod(path, mode)
    await expect(read()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(/peer\.key is open to other users \(mode \d+\).*; remove it$/),
    })
  })

  it('refuses a file of another user', async () => {
    await expect(read(await foreignFile())).rejects.toThrow(/is owned by user \d+, .*; remove it$/)
  })

  it('refuses a symbolic link, even to a file of its own', async () => {
    await writeFile(join(scratch.path, 'target'), 'secret', { mode: 0o600 })
    await symlink('target', path)
    await expect(read()).rejects.toThrow('is a symbolic link; remove it')
  })

  it('refuses a directory, and a FIFO without waiting for a writer', async () => {
    await mkdir(path)
    await expect(read()).rejects.toThrow('is not a file')
    const fifo = join(scratch.path, 'fifo')
    execFileSync('mkfifo', ['-m', '600', fifo])
    await expect(read(fifo)).rejects.toThrow('is not a file')
  })
})

describe('the key of a peer or a cluster', () => {
  const load = () => loadOrCreateSeed(scratch.path, 'peer')

  it('stays the same, and is for its owner alone', async () => {
    const seed = await load()
    expect(Buffer.from(await load())).toEqual(Buffer.from(seed))
    await chmod(path, 0o644)
    await expect(load()).rejects.toThrow(/peer\.key is open to other users .*remove it, and a new key is made/)
  })

  it('is refused behind a symbolic link, and what that leads to stays as it is', async () => {
    await load()
    const target = join(scratch.path, 'target')
    await rename(path, target)
    const before = await readFile(target)
    await symlink('target', path)
    await expect(load()).rejects.toThrow('is a symbolic link')
    expect(await readFile(target)).toEqual(before)
  })

  it.each([0, 31, 33])('is refused with %i bytes rather than replaced, as everybody knows the old one', async bytes => {
    await load()
    await truncate(path, bytes)
    await expect(load()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining(`is damaged: ${bytes} bytes, not 32`),
    })
    expect((await readFile(path)).length).toBe(bytes)
  })

  it('is refused from another user', async () => {
    // The directory's own owner is checked first where the test is not root.
    if (IS_ROOT) {
      await load()
      await chown(path, NOBODY, NOBODY)
    }
    const loading = IS_ROOT ? load() : loadOrCreateSeed('/', 'peer')
    await expect(loading).rejects.toThrow('is owned by user')
  })
})
