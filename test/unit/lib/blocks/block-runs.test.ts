import { truncate } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownBuffer } from '../../../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskBlocks } from '../../../../lib/blocks/block-store.ts'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { MemoryBlockStore } from '../../../../lib/blocks/memory-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'
import { dataFileOf, flipByte } from '../../../helpers/stored-files.ts'

const BLOCK = 64
const CONTENT = contentOf(7 * BLOCK + 9)
const BLOCKS = blocksOf(CONTENT, BLOCK)
const OTHER = blocksOf(contentOf(CONTENT.length, 1), BLOCK)
const TASK = taskOf(CONTENT)

let scratch: ScratchDirectory
let store: BlockStore

beforeEach(async () => {
  scratch = await createScratchDirectory()
})

afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

async function filled(made: BlockStore): Promise<TaskBlocks> {
  store = made
  await store.start()
  const task = await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length })
  await writeAll(task, BLOCKS)
  return task
}

const onDisk = () => new DiskBlockStore({ logger: silentLogger() }, { dataDir: scratch.path, recentBytes: 0 })

const fileName = () => dataFileOf(scratch.path, digestOf(CONTENT))

/** The content of some blocks. */
const part = (from: number, to: number) => CONTENT.subarray(from * BLOCK, to * BLOCK)

describe.each([
  ['in memory', () => new MemoryBlockStore()],
  ['on disk', onDisk],
])('blocks that are stored %s', (_, create) => {
  it('are given in one piece', async () => {
    const task = await filled(create())
    for (const [from, to] of [
      [0, 8],
      [1, 3],
      [5, 8],
      [7, 8],
    ] as const) {
      const run = await task.run(from, to)
      expect(run?.bytes).toEqual(part(from, to))
      run?.release()
    }
  })

  it('are not given together with one that is not there', async () => {
    const task = await filled(create())
    for (const [from, to] of [
      [2, 2],
      [3, 2],
      [6, 9],
      [-1, 2],
      [0.5, 2],
    ] as const) {
      await expect(task.run(from, to)).resolves.toBeUndefined()
    }
    await task.drop(2)
    await expect(task.run(0, 4)).resolves.toBeUndefined()
    expect((await task.run(0, 2))?.bytes).toEqual(part(0, 2))
  })

  it('are not given when one of them is dropped and written anew meanwhile', async () => {
    const task = await filled(create())
    const [, other] = OTHER
    if (other === undefined) throw new Error('no block')
    const reading = task.run(0, 4)
    const changing = task.drop(1).then(() => task.write(1, other.digest, ownBuffer(other.bytes)))
    await expect(reading).resolves.toBeUndefined()
    await changing
    expect((await task.run(1, 2))?.bytes).toEqual(other.bytes)
  })

  it('are refused to whoever has closed the task', async () => {
    const task = await filled(create())
    await task.close()
    await expect(task.run(0, 2)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})

describe('blocks on a disk', () => {
  it('are not given together with one that has other bytes than were written, which is left to whoever asks for it', async () => {
    const task = await filled(onDisk())
    await flipByte(fileName(), 3 * BLOCK)
    await expect(task.run(0, 8)).resolves.toBeUndefined()
    expect((await task.run(0, 3))?.bytes).toEqual(part(0, 3))
    expect((await task.run(4, 8))?.bytes).toEqual(part(4, 8))
    expect(task.present.has(3)).toBe(true)
    await expect(task.block(3)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(task.present.has(3)).toBe(false)
  })

  it('are not given together with one whose bytes have gone', async () => {
    const task = await filled(onDisk())
    await truncate(fileName(), 5 * BLOCK)
    await expect(task.run(3, 8)).resolves.toBeUndefined()
    expect((await task.run(3, 5))?.bytes).toEqual(part(3, 5))
  })

  it('are not given before each was hashed since the start', async () => {
    await filled(onDisk())
    await store.stop()
    await store.start()
    const task = await store.openExisting(TASK)
    for (const index of [0, 1, 2]) (await task?.block(index))?.release()
    await expect(task?.run(0, 4)).resolves.toBeUndefined()
    expect((await task?.run(0, 3))?.bytes).toEqual(part(0, 3))
  })
})
