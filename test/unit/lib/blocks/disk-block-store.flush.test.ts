import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ownBuffer } from '../../../../lib/blocks/block-buffers.ts'
import type { BlockFile } from '../../../../lib/blocks/block-file.ts'
import type { TaskBlocks } from '../../../../lib/blocks/block-store.ts'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import type { BlockDigest } from '../../../../protocol/block-map.ts'
import { contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const MIB = 1024 * 1024
const SHAPE = { blockSizeBytes: 16 * MIB, sizeBytes: 128 * MIB }
const DIGEST = new Uint8Array(32) as BlockDigest
const BLOCK = new Uint8Array(SHAPE.blockSizeBytes)

let scratch: ScratchDirectory
let store: DiskBlockStore
let task: TaskBlocks
/** Flushes under way; each ends when it is told to. */
let flushes: PromiseWithResolvers<void>[]

/** Takes everything, keeps nothing. */
const file: BlockFile = {
  write: async bytes => bytes.length,
  read: async into => into.length,
  sizeBytes: async () => SHAPE.sizeBytes,
  sync() {
    const flush = Promise.withResolvers<void>()
    flushes.push(flush)
    return flush.promise
  },
  close: async () => {},
}

beforeEach(async () => {
  flushes = []
  scratch = await createScratchDirectory()
  const components = { logger: silentLogger(), openFile: async () => file }
  store = new DiskBlockStore(components, { dataDir: scratch.path, recentBytes: 0 })
  await store.start()
  task = await store.open(taskOf(contentOf(1)), SHAPE)
})

afterEach(async () => {
  // The store syncs when it stops, too.
  const stopping = store.stop()
  const ending = setInterval(() => flushes.forEach(({ resolve }) => void resolve()), 5)
  await stopping
  clearInterval(ending)
  await scratch[Symbol.asyncDispose]()
})

const write = (index: number) => task.write(index, DIGEST, ownBuffer(BLOCK))

it('has a file written to the disk after every 32 MiB, once at a time, while others come', async () => {
  await write(0)
  expect(flushes).toHaveLength(0)
  for (const index of [1, 2, 3, 4]) await write(index)
  expect(flushes).toHaveLength(1)
  flushes[0]?.resolve()
  await new Promise(setImmediate)
  await write(5)
  expect(flushes).toHaveLength(2)
})

it('refuses more when the disk has refused what was written', async () => {
  for (const index of [0, 1]) await write(index)
  flushes[0]?.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
  await new Promise(setImmediate)
  await expect(write(2)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

it('does not share a task of which the disk has refused a part', async () => {
  for (let index = 0; index < SHAPE.sizeBytes / SHAPE.blockSizeBytes; index++) {
    await write(index)
    if (index < 6) for (const flush of flushes) flush.resolve()
    await new Promise(setImmediate)
  }
  await task.markComplete()
  flushes.at(-1)?.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
  const sharing = store.share(task.taskId, join(scratch.path, 'shared'), 'hard-link')
  await expect(sharing).rejects.toMatchObject({ code: 'STORE_FAILED' })
})
