import { chmod, chown, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ensurePrivateDirectory, writeFileAtomically } from '../../../lib/fs.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'
import { createSmallDiskIfPossible, type SmallDisk } from '../../helpers/small-disk.ts'

const MIB = 1024 * 1024

let scratch: ScratchDirectory

beforeEach(async () => {
  scratch = await createScratchDirectory()
})

afterEach(() => scratch[Symbol.asyncDispose]())

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777
}

describe('ensurePrivateDirectory', () => {
  it('creates a directory and those above it for the owner alone', async () => {
    const path = join(scratch.path, 'a', 'b')
    await ensurePrivateDirectory(path)
    expect(await modeOf(path)).toBe(0o700)
    expect(await modeOf(join(scratch.path, 'a'))).toBe(0o700)
  })

  it.each([0o755, 0o777, 0o500, 0o740])('makes mode %o private and keeps the content', async mode => {
    const path = join(scratch.path, 'data')
    await mkdir(path)
    await writeFile(join(path, 'file'), 'kept')
    await chmod(path, mode)
    await ensurePrivateDirectory(path)
    expect(await modeOf(path)).toBe(0o700)
    expect(await readFile(join(path, 'file'), 'utf8')).toBe('kept')
  })

  it.each(['', '/'])('refuses a symbolic link, written with "%s" at its end', async ending => {
    const target = join(scratch.path, 'target')
    await mkdir(target, { mode: 0o755 })
    await chmod(target, 0o755)
    await symlink(target, join(scratch.path, 'link'))
    await expect(ensurePrivateDirectory(join(scratch.path, 'link') + ending)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining('symbolic link'),
    })
    expect(await modeOf(target)).toBe(0o755)
  })

  it('refuses a symbolic link that leads nowhere', async () => {
    await symlink(join(scratch.path, 'nowhere'), join(scratch.path, 'link'))
    const ensuring = ensurePrivateDirectory(join(scratch.path, 'link'))
    await expect(ensuring).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    expect(await readdir(scratch.path)).toEqual(['link'])
  })

  it('refuses a file', async () => {
    await writeFile(join(scratch.path, 'file'), '')
    const ensuring = ensurePrivateDirectory(join(scratch.path, 'file'))
    await expect(ensuring).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  it('refuses a directory of another user and leaves it as it is', async () => {
    // Only root can give a directory away; for everybody else the root directory is another user's.
    const isRoot = process.geteuid?.() === 0
    const path = isRoot ? join(scratch.path, 'foreign') : '/'
    if (isRoot) {
      await mkdir(path)
      await chmod(path, 0o755)
      await chown(path, 65_534, 65_534)
    }
    const before = await modeOf(path)
    await expect(ensurePrivateDirectory(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining('owned by user'),
    })
    expect(await modeOf(path)).toBe(before)
  })

  it.each([0o777, 0o775, 0o757])('refuses one of mode %o in which somebody put a link', async mode => {
    const path = join(scratch.path, 'data')
    await mkdir(join(path, 'index'), { recursive: true })
    await symlink('/etc/passwd', join(path, 'index', 'CURRENT'))
    await chmod(path, mode)
    await expect(ensurePrivateDirectory(path)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringMatching(/was open to others, and .*CURRENT is a symbolic link; remove it/),
    })
  })

  it('refuses one that was open to others and holds the file of another user', async () => {
    const path = join(scratch.path, 'data')
    await mkdir(path)
    await writeFile(join(path, 'peer.key'), 'planted')
    await chmod(path, 0o777)
    const isRoot = process.geteuid?.() === 0
    // Only root can give a file away; a link is refused from everybody.
    if (isRoot) await chown(join(path, 'peer.key'), 65_534, 65_534)
    else await symlink('/etc/passwd', join(path, 'other.key'))
    await expect(ensurePrivateDirectory(path)).rejects.toThrow(
      isRoot ? 'peer.key is owned by user 65534' : 'other.key is a symbolic link',
    )
  })

  it('refuses one that anybody may replace, as the directory above has no sticky bit', async () => {
    const shared = join(scratch.path, 'shared')
    await mkdir(shared)
    await chmod(shared, 0o777)
    await expect(ensurePrivateDirectory(join(shared, 'a', 'b'))).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      detail: expect.stringContaining(`chmod o-w ${shared}`),
    })
    expect(await readdir(shared)).toEqual([])
    await chmod(shared, 0o1777)
    await ensurePrivateDirectory(join(shared, 'a', 'b'))
  })

  it('says which directory it could not create', async () => {
    await expect(ensurePrivateDirectory('/proc/damselfly/data')).rejects.toMatchObject({
      code: 'STORE_FAILED',
      detail: expect.stringContaining('/proc/damselfly/data'),
    })
  })
})

describe('writeFileAtomically', () => {
  it('writes bytes or text with exactly the mode it is given', async () => {
    const path = join(scratch.path, 'key')
    await writeFileAtomically(path, Uint8Array.of(1, 2, 3), 0o600)
    expect([...(await readFile(path))]).toEqual([1, 2, 3])
    expect(await modeOf(path)).toBe(0o600)
    await writeFileAtomically(path, 'text', 0o666)
    expect(await readFile(path, 'utf8')).toBe('text')
    expect(await modeOf(path)).toBe(0o666)
    expect(await readdir(scratch.path)).toEqual(['key'])
  })

  it('replaces a symbolic link instead of writing through it', async () => {
    const target = join(scratch.path, 'target')
    await writeFile(target, 'untouched')
    await symlink(target, join(scratch.path, 'link'))
    await writeFileAtomically(join(scratch.path, 'link'), 'new', 0o600)
    expect(await readFile(target, 'utf8')).toBe('untouched')
    expect(await readFile(join(scratch.path, 'link'), 'utf8')).toBe('new')
  })

  it('says that the disk is full, and keeps what was there', async () => {
    await using disk = await createSmallDiskIfPossible(MIB)
    const path = join(disk.path, 'key')
    await writeFileAtomically(path, 'old', 0o600)
    // Where there is no small disk, a directory in its place cannot be replaced either.
    const isSmall = 'fill' in disk
    if (isSmall) await (disk as SmallDisk).fill()
    const writing = writeFileAtomically(isSmall ? path : disk.path, new Uint8Array(MIB), 0o600)
    await expect(writing).rejects.toThrow(isSmall ? 'ENOSPC' : /EISDIR|ENOTEMPTY|EBUSY|EEXIST/)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect((await readdir(disk.path)).filter(name => name.startsWith('.key'))).toEqual([])
  })

  it('leaves nothing behind when it fails', async () => {
    await mkdir(join(scratch.path, 'taken', 'full'), { recursive: true })
    await expect(writeFileAtomically(join(scratch.path, 'taken'), 'x', 0o600)).rejects.toThrow()
    expect(await readdir(scratch.path)).toEqual(['taken'])
    await expect(writeFileAtomically(join(scratch.path, 'missing', 'file'), 'x', 0o600)).rejects.toThrow('ENOENT')
  })
})
