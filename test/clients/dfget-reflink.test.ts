import { readdir, readFile, stat, statfs, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../protocol/digest.ts'
import { contentHandler, createDfgetUser, serveForTest } from '../helpers/dfget-user.ts'
import { run } from '../helpers/process.ts'
import { patternBytes } from '../helpers/registry-mock.ts'
import { assertClientRequirements } from '../helpers/requirements.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const MIB = 1024 * 1024
const CONTENT = patternBytes(48 * MIB)
/** The smallest that mkfs.xfs makes is 300 MiB. Its bytes are on the disk as they are written. */
const DISK_BYTES = 400 * MIB

test.each([['btrfs'], ['xfs']])('a file on %s shares its bytes with the store, and may be changed', async type => {
  assertClientRequirements()
  await using disk = await mountDisk(type)
  await using user = await createDfgetUser()
  const server = await serveForTest(contentHandler(CONTENT))
  const before = await usedBytes(disk.path)
  const [file, data] = [join(disk.path, 'file'), join(disk.path, 'data')]
  const args = ['--data-dir', data, '--digest', digestOf(CONTENT), `${server.url}/a`]
  expect(await user.run('-O', file, ...args)).toMatchObject({ code: 0 })
  expect((await readFile(file)).equals(CONTENT)).toBe(true)
  await run('sync', ['--file-system', disk.path])
  expect((await usedBytes(disk.path)) - before).toBeLessThan(1.5 * CONTENT.length)

  const [stored = ''] = await readdir(join(data, 'blocks'))
  expect((await stat(file)).ino).not.toBe((await stat(join(data, 'blocks', stored))).ino)
  await writeFile(file, 'mine now', { flag: 'r+' })
  const again = join(disk.path, 'again')
  expect(await user.run('-O', again, '--json', ...args)).toMatchObject({ code: 0 })
  expect((await readFile(again)).equals(CONTENT)).toBe(true)
  expect(server.requests).toHaveLength(1)
})

/** An empty file system of a type on a disk of its own. */
async function mountDisk(type: string): Promise<AsyncDisposable & { readonly path: string }> {
  await using making = new AsyncDisposableStack()
  const images = making.use(await createScratchDirectory())
  const mounted = making.use(await createScratchDirectory())
  const image = join(images.path, 'disk')
  await writeFile(image, '')
  await truncate(image, DISK_BYTES)
  await run(`mkfs.${type}`, [image])
  await run('mount', ['-o', 'loop', image, mounted.path])
  making.defer(async () => void (await run('umount', ['--lazy', mounted.path])))
  const made = making.move()
  return { path: mounted.path, [Symbol.asyncDispose]: () => made.disposeAsync() }
}

/** What is not free on a file system. */
async function usedBytes(path: string): Promise<number> {
  const { blocks, bfree, bsize } = await statfs(path)
  return (blocks - bfree) * bsize
}
