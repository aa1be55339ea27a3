import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownBuffer } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskBlocks, TaskShape } from '../../lib/blocks/block-store.ts'
import type { TaskId } from '../../protocol/task.ts'
import { blocksOf, type ContentBlock, contentOf, taskOf } from './content-blocks.ts'

/** A store that was not started yet, and what has to be cleaned up after it. The contract stops the store itself. */
export interface BlockStoreFixture extends AsyncDisposable {
  readonly store: BlockStore
}

const BLOCK = 16
const CONTENT = contentOf(3 * BLOCK + 5)
const BLOCKS = blocksOf(CONTENT, BLOCK)
const TASK = taskOf(CONTENT)
const SHAPE: TaskShape = { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length }
const UNKNOWN: TaskShape = { blockSizeBytes: BLOCK, sizeBytes: undefined }

/** What every block store does. Each implementation runs it. */
export function describeBlockStore(name: string, createFixture: () => Promise<BlockStoreFixture>): void {
  describe(`${name} as a block store`, () => {
    let fixture: BlockStoreFixture
    let store: BlockStore

    beforeEach(async () => {
      fixture = await createFixture()
      store = fixture.store
      await store.start()
    })

    afterEach(async () => {
      await store.stop()
      await fixture[Symbol.asyncDispose]()
    })

    async function stored(blocks: readonly ContentBlock[] = BLOCKS): Promise<TaskBlocks> {
      const task = await store.open(TASK, SHAPE)
      await writeAll(task, blocks)
      return task
    }

    it('starts and stops more than once', async () => {
      await store.start()
      await Promise.all([store.stop(), store.stop()])
      await store.stop()
      await expect(store.open(TASK, SHAPE)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await expect(store.list()).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await Promise.all([store.start(), store.start()])
      await expect(store.list()).resolves.toEqual([])
    })

    it('creates a task with its shape and without blocks', async () => {
      const task = await store.open(TASK, SHAPE)
      expect(task.taskId).toBe(TASK)
      expect(task.blockSizeBytes).toBe(BLOCK)
      expect(task.sizeBytes).toBe(CONTENT.length)
      expect(task.complete).toBe(false)
      expect(task.present.count).toBe(0)
      expect(task.digestAt(0)).toBeUndefined()
    })

    it('refuses an id that is no task id and a shape that no content has', async () => {
      for (const id of ['../../etc/passwd', 'sha256:xyz', '', `url:${'g'.repeat(64)}`]) {
        await expect(store.open(id as TaskId, SHAPE)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
        await expect(store.openExisting(id as TaskId)).resolves.toBeUndefined()
        await expect(store.remove(id as TaskId)).resolves.toBe(false)
      }
      const shapes = [
        { blockSizeBytes: 0, sizeBytes: 1 },
        { blockSizeBytes: 1.5, sizeBytes: 1 },
        { blockSizeBytes: BLOCK, sizeBytes: -1 },
        { blockSizeBytes: BLOCK, sizeBytes: 2 ** 53 },
        { blockSizeBytes: 1, sizeBytes: 2 ** 40 },
      ]
      for (const shape of shapes) {
        await expect(store.open(TASK, shape)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      }
      await expect(store.list()).resolves.toEqual([])
    })

    it('opens an existing task only when it is stored', async () => {
      await expect(store.openExisting(TASK)).resolves.toBeUndefined()
      await (await stored()).close()
      const task = await store.openExisting(TASK)
      expect([...(task?.present ?? [])]).toEqual([0, 1, 2, 3])
    })

    it('writes blocks in any order and reads them back', async () => {
      const task = await stored([...BLOCKS].reverse())
      expect([...task.present]).toEqual([0, 1, 2, 3])
      for (const { index, bytes, digest } of BLOCKS) {
        expect(task.digestAt(index)).toEqual(digest)
        expect((await task.read(index)).bytes).toEqual(bytes)
      }
    })

    it('reads slices of a block and refuses what lies outside', async () => {
      const task = await stored()
      const bytes = BLOCKS[1]?.bytes ?? new Uint8Array()
      expect((await task.read(1, 4)).bytes).toEqual(bytes.slice(4))
      expect((await task.read(1, 4, 3)).bytes).toEqual(bytes.slice(4, 7))
      expect((await task.read(1, BLOCK)).bytes).toEqual(new Uint8Array())
      expect((await task.read(1, 3, 0)).bytes).toEqual(new Uint8Array())
      for (const [offset, length] of [[0, BLOCK + 1], [BLOCK + 1], [-1, 1], [0.5, 1], [BLOCK - 1, 2], [0, -1]]) {
        await expect(task.read(1, offset, length)).rejects.toMatchObject({ code: 'RANGE_INVALID' })
      }
      await expect(task.read(3, 0, 6)).rejects.toMatchObject({ code: 'RANGE_INVALID' })
    })

    it('gives each reader of a slice memory of its own and keeps no digest of the writer', async () => {
      const task = await store.open(TASK, SHAPE)
      const [first] = BLOCKS
      if (first === undefined) throw new Error('no block')
      const digest = Uint8Array.from(first.digest) as typeof first.digest
      await task.write(0, digest, ownBuffer(first.bytes))
      digest.fill(0)
      const read = await task.read(0)
      expect(read.bytes).toEqual(first.bytes)
      read.bytes.fill(0)
      expect((await task.read(0)).bytes).toEqual(first.bytes)
      expect(task.digestAt(0)).toEqual(first.digest)
    })

    it('gives whole blocks, whose bytes stay while they are held', async () => {
      const task = await stored(BLOCKS)
      const held = await Promise.all(BLOCKS.map(({ index }) => task.block(index)))
      for (const { index } of BLOCKS) await task.drop(index)
      for (const [index, block] of held.entries()) expect(block.bytes).toEqual(BLOCKS[index]?.bytes)
      for (const block of held) block.release()
    })

    it('does not read a block that is not present', async () => {
      const task = await stored(BLOCKS.slice(0, 1))
      for (const index of [1, 99, -1, 2 ** 32]) {
        await expect(task.read(index)).rejects.toMatchObject({ code: 'STORE_FAILED' })
        await expect(task.block(index)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      }
    })

    it('refuses blocks of a wrong length and blocks outside the content', async () => {
      const task = await store.open(TASK, SHAPE)
      const wrong = [
        [0, BLOCK - 1],
        [0, BLOCK + 1],
        [0, 0],
        [3, BLOCK],
        [3, 4],
        [4, BLOCK],
        [-1, BLOCK],
        [0.5, BLOCK],
        [2 ** 32, BLOCK],
      ] as const
      for (const [index, length] of wrong) {
        const [block] = blocksOf(contentOf(BLOCK), BLOCK)
        if (block === undefined) throw new Error('no block')
        const writing = task.write(index, block.digest, ownBuffer(new Uint8Array(length)))
        await expect(writing).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      }
      expect(task.present.count).toBe(0)
    })

    it('writes a present block again without effect', async () => {
      const task = await stored()
      const other = blocksOf(contentOf(CONTENT.length, 1), BLOCK)[1]
      if (other === undefined) throw new Error('no block')
      await task.write(1, other.digest, ownBuffer(other.bytes))
      expect((await task.read(1)).bytes).toEqual(BLOCKS[1]?.bytes)
      expect(task.digestAt(1)).toEqual(BLOCKS[1]?.digest)
    })

    it('collapses simultaneous writes of one block', async () => {
      const task = await store.open(TASK, SHAPE)
      await Promise.all([writeAll(task, BLOCKS), writeAll(task, BLOCKS), writeAll(task, BLOCKS)])
      expect(task.present.count).toBe(4)
      expect((await store.list())[0]?.storedBytes).toBe(CONTENT.length)
    })

    it('learns the size later, and then takes the short last block', async () => {
      const task = await store.open(TASK, UNKNOWN)
      await writeAll(task, BLOCKS.slice(0, 3))
      const last = BLOCKS[3]
      if (last === undefined) throw new Error('no block')
      await expect(task.write(3, last.digest, ownBuffer(last.bytes))).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      await task.setSize(CONTENT.length)
      await task.setSize(CONTENT.length)
      await expect(task.setSize(CONTENT.length + 1)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      expect(task.sizeBytes).toBe(CONTENT.length)
      await task.write(3, last.digest, ownBuffer(last.bytes))
      expect((await task.read(3)).bytes).toEqual(last.bytes)
      await task.close()
      expect(await store.list()).toMatchObject([{ sizeBytes: CONTENT.length, storedBytes: CONTENT.length }])
    })

    it('refuses a size that a present block or one being written contradicts', async () => {
      const task = await store.open(TASK, UNKNOWN)
      const writing = writeAll(task, BLOCKS.slice(0, 2))
      await expect(task.setSize(2 * BLOCK - 1)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      await writing
      await expect(task.setSize(2 * BLOCK - 1)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      await expect(task.setSize(Number.NaN)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      expect(task.sizeBytes).toBeUndefined()
      await task.setSize(2 * BLOCK)
      expect(task.sizeBytes).toBe(2 * BLOCK)
    })

    it('completes a task of no bytes', async () => {
      const empty = taskOf(new Uint8Array())
      const task = await store.open(empty, { blockSizeBytes: BLOCK, sizeBytes: 0 })
      const [block] = BLOCKS
      if (block === undefined) throw new Error('no block')
      await expect(task.write(0, block.digest, ownBuffer(block.bytes))).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      await task.markComplete()
      expect(task.complete).toBe(true)
      await task.close()
      expect(await store.list()).toMatchObject([{ taskId: empty, complete: true, storedBytes: 0, sizeBytes: 0 }])
    })

    it('drops a block, which also ends completeness, and takes it again', async () => {
      const task = await stored()
      await task.markComplete()
      await task.drop(1)
      await task.drop(1)
      await task.drop(99)
      expect([...task.present]).toEqual([0, 2, 3])
      expect(task.complete).toBe(false)
      expect(task.digestAt(1)).toBeUndefined()
      await expect(task.read(1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      const other = blocksOf(contentOf(CONTENT.length, 1), BLOCK)[1]
      if (other === undefined) throw new Error('no block')
      await task.write(1, other.digest, ownBuffer(other.bytes))
      expect((await task.read(1)).bytes).toEqual(other.bytes)
      expect(task.digestAt(1)).toEqual(other.digest)
    })

    it('keeps changes of one block in the order they were asked for', async () => {
      const task = await stored()
      const [block] = BLOCKS
      if (block === undefined) throw new Error('no block')
      await Promise.all([task.drop(0), task.write(0, block.digest, ownBuffer(block.bytes))])
      expect(task.present.has(0)).toBe(true)
      await Promise.all([task.drop(0), task.write(0, block.digest, ownBuffer(block.bytes)), task.drop(1)])
      await task.close()
      const again = await store.openExisting(TASK)
      expect([...(again?.present ?? [])]).toEqual([0, 2, 3])
      expect((await again?.read(0))?.bytes).toEqual(block.bytes)
    })

    it('marks a task complete only when every block is present', async () => {
      const task = await stored(BLOCKS.slice(0, 3))
      await expect(task.markComplete()).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect(task.complete).toBe(false)
      await writeAll(task, BLOCKS)
      await task.markComplete()
      expect(task.complete).toBe(true)
    })

    it('shares one entry among openers, each of which closes its own', async () => {
      const [first, second] = await Promise.all([store.open(TASK, SHAPE), store.open(TASK, UNKNOWN)])
      await writeAll(first, BLOCKS.slice(0, 2))
      expect(second.present).toBe(first.present)
      expect((await second.read(1)).bytes).toEqual(BLOCKS[1]?.bytes)
      await Promise.all([first.close(), first.close()])
      await first.close()
      await expect(first.read(1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect((await second.read(0)).bytes).toEqual(BLOCKS[0]?.bytes)
      await second.close()
    })

    it('finishes the writes under way before a task closes', async () => {
      const task = await store.open(TASK, SHAPE)
      const writing = writeAll(task, BLOCKS)
      await task.close()
      await writing
      const again = await store.openExisting(TASK)
      expect(again?.present.count).toBe(4)
      expect((await again?.read(2))?.bytes).toEqual(BLOCKS[2]?.bytes)
    })

    it('opens and closes one task many times at once', async () => {
      await Promise.all(
        Array.from({ length: 20 }, async (_, round) => {
          const task = await store.open(TASK, SHAPE)
          const block = BLOCKS[round % BLOCKS.length]
          if (block !== undefined) await writeAll(task, [block])
          await task.close()
        }),
      )
      const task = await store.openExisting(TASK)
      expect(task?.present.count).toBe(4)
      for (const { index, bytes } of BLOCKS) expect((await task?.read(index))?.bytes).toEqual(bytes)
    })

    it('discards blocks of another block size, unless somebody holds them', async () => {
      const task = await stored()
      const other = { blockSizeBytes: 2 * BLOCK, sizeBytes: CONTENT.length }
      await expect(store.open(TASK, other)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect(task.present.count).toBe(4)
      await task.close()
      const reopened = await store.open(TASK, other)
      expect(reopened.present.count).toBe(0)
      expect(reopened.blockSizeBytes).toBe(2 * BLOCK)
      const blocks = blocksOf(CONTENT, 2 * BLOCK)
      await writeAll(reopened, blocks)
      expect((await reopened.read(1)).bytes).toEqual(blocks[1]?.bytes)
    })

    it('discards blocks of another size, unless they are proven or held', async () => {
      const other = { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length + 1 }
      const held = await stored()
      await expect(store.open(TASK, other)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      await held.close()
      const changed = await store.open(TASK, other)
      expect([changed.present.count, changed.sizeBytes]).toEqual([0, CONTENT.length + 1])
      await changed.close()
      const proven = await stored()
      await proven.markComplete()
      await proven.close()
      await expect(store.open(TASK, other)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
      const kept = await store.openExisting(TASK)
      expect([kept?.complete, kept?.sizeBytes]).toEqual([true, CONTENT.length])
    })

    it('lists open and closed tasks with what they hold', async () => {
      const open = await stored(BLOCKS.slice(2))
      const other = taskOf(contentOf(9, 7))
      await (await store.open(other, UNKNOWN)).close()
      const listed = await store.list()
      expect(new Set(listed.map(task => task.taskId))).toEqual(new Set([TASK, other]))
      const full = listed.find(task => task.taskId === TASK)
      expect(full).toMatchObject({ ...SHAPE, complete: false, storedBytes: BLOCK + 5 })
      expect(full?.usedAt).toBeGreaterThan(0)
      expect(listed.find(task => task.taskId === other)).toMatchObject({ ...UNKNOWN, storedBytes: 0 })
      await open.close()
      expect((await store.list()).find(task => task.taskId === TASK)?.storedBytes).toBe(BLOCK + 5)
    })

    it('removes a task', async () => {
      await (await stored()).close()
      await expect(store.remove(TASK)).resolves.toBe(true)
      await expect(store.remove(TASK)).resolves.toBe(false)
      await expect(store.list()).resolves.toEqual([])
      await expect(store.openExisting(TASK)).resolves.toBeUndefined()
      const again = await store.open(TASK, SHAPE)
      expect(again.present.count).toBe(0)
      await expect(again.read(0)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    })

    it('removes an open task when its last opener closes it', async () => {
      const first = await stored()
      const second = await store.open(TASK, SHAPE)
      await expect(store.remove(TASK)).resolves.toBe(true)
      expect((await second.read(0)).bytes).toEqual(BLOCKS[0]?.bytes)
      await first.close()
      expect((await second.read(1)).bytes).toEqual(BLOCKS[1]?.bytes)
      await second.close()
      await expect(store.list()).resolves.toEqual([])
      await expect(store.openExisting(TASK)).resolves.toBeUndefined()
    })

    it('shares no task that is unknown or not complete', async () => {
      const path = '/nobody/looks/here'
      await expect(store.share(TASK, path, 'hard-link')).resolves.toBe(false)
      const task = await stored()
      await expect(store.share(TASK, path, 'hard-link')).resolves.toBe(false)
      await task.close()
    })

    it('makes holds useless when it stops', async () => {
      const task = await stored()
      await store.stop()
      await expect(task.read(0)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      const [block] = BLOCKS
      if (block === undefined) throw new Error('no block')
      await expect(task.write(0, block.digest, ownBuffer(block.bytes))).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await expect(task.drop(0)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await expect(task.setSize(CONTENT.length)).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await expect(task.markComplete()).rejects.toMatchObject({ code: 'STORE_FAILED' })
      await task.close()
    })
  })
}

/** Writes blocks at the same time. */
export async function writeAll(task: TaskBlocks, blocks: readonly ContentBlock[]): Promise<void> {
  await Promise.all(blocks.map(({ index, digest, bytes }) => task.write(index, digest, ownBuffer(bytes))))
}
