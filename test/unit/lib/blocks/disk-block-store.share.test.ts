import { open, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { findSharingWay } from '../../../../lib/blocks/share-file.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const BLOCK = 64
const CONTENT = contentOf(7 * BLOCK + 9)
const TASK = taskOf(CONTENT)

let scratch: ScratchDirectory
let store: DiskBlockStore
let stored: string
let shared: string

beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = new DiskBlockStore({ logger: silentLogger() }, { dataDir: join(scratch.path, 'data') })
  stored = join(scratch.path, 'data', 'blocks', TASK.replace(':', '-'))
  shared = join(scratch.path, 'shared')
  await store.start()
  const task = await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length })
  await writeAll(task, blocksOf(CONTENT, BLOCK))
  await task.markComplete()
  await task.close()
})

afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

it('gives its file another name, which outlives the task', async () => {
  expect(await store.share(TASK, shared, 'hard-link')).toBe(true)
  expect((await stat(shared)).ino).toBe((await stat(stored)).ino)
  await store.remove(TASK)
  expect(new Uint8Array(await readFile(shared))).toEqual(CONTENT)
})

it('takes no name that is taken', async () => {
  await writeFile(shared, 'mine')
  expect(await store.share(TASK, shared, 'hard-link')).toBe(false)
  expect(await readFile(shared, 'utf8')).toBe('mine')
})

it('shares no bytes that have changed since they were written', async () => {
  await store.stop()
  await using handle = await open(stored, 'r+')
  await handle.write('!', 3 * BLOCK)
  await store.start()
  expect(await store.share(TASK, shared, 'hard-link')).toBe(false)
  expect(await store.list()).toMatchObject([{ complete: false, storedBytes: CONTENT.length - BLOCK }])
})

it('finds out what the file system can, and leaves nothing behind', async () => {
  expect(await findSharingWay(scratch.path, join(scratch.path, 'data'), ['hard-link'])).toBe('hard-link')
  expect(await findSharingWay(scratch.path, join(scratch.path, 'data'), [])).toBeUndefined()
  expect(await findSharingWay(scratch.path, '/proc', ['reflink', 'hard-link'])).toBeUndefined()
  expect(await findSharingWay('/proc', scratch.path, ['reflink', 'hard-link'])).toBeUndefined()
  expect((await readdir(scratch.path)).sort()).toEqual(['data'])
})
