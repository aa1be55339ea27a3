import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownBuffer } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore } from '../../lib/blocks/block-store.ts'
import type { Quota } from '../../lib/blocks/quota.ts'
import type { Clock } from '../../lib/clock.ts'
import type { TaskId } from '../../protocol/task.ts'
import { type BlockStoreFixture, writeAll } from './block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from './content-blocks.ts'
import { createManualClock, type ManualClock } from './manual-clock.ts'

const BLOCK = 16
const SIZE = 4 * BLOCK

/** A quota of so many bytes, that makes room only when it must. */
export function quotaOfBytes(maxBytes: number, watermarks: Partial<Quota> = {}): Quota {
  return { maxBytes, keepFree: 0, highWatermark: 1, lowWatermark: 1, ...watermarks }
}

/** What every block store does with a quota. Each implementation runs it. */
export function describeStoreQuota(
  name: string,
  createFixture: (quota: Quota, clock: Clock) => Promise<BlockStoreFixture>,
): void {
  describe(`${name} with a quota`, () => {
    let fixture: BlockStoreFixture
    let store: BlockStore
    let clock: ManualClock
    let removed: TaskId[]

    beforeEach(() => {
      clock = createManualClock()
      removed = []
    })

    afterEach(async () => {
      await store.stop()
      await fixture[Symbol.asyncDispose]()
    })

    async function start(quota: Quota): Promise<void> {
      fixture = await createFixture(quota, clock)
      store = fixture.store
      store.onRemoved(task => void removed.push(task))
      await store.start()
    }

    /** Stores content of four blocks, a second after the one before. */
    async function keep(seed: number): Promise<TaskId> {
      clock.advance(1_000)
      const content = contentOf(SIZE, seed)
      const task = await store.open(taskOf(content), { blockSizeBytes: BLOCK, sizeBytes: SIZE })
      await writeAll(task, blocksOf(content, BLOCK))
      await task.markComplete()
      await task.close()
      return task.taskId
    }

    async function listed(): Promise<TaskId[]> {
      return (await store.list()).map(task => task.taskId)
    }

    it('deletes what was not used for longest when room is needed, and tells of it', async () => {
      await start(quotaOfBytes(2 * SIZE))
      const [first, second] = [await keep(1), await keep(2)]
      clock.advance(1_000)
      await (await store.openExisting(first))?.close()
      const third = await keep(3)
      expect(removed).toEqual([second])
      expect(new Set(await listed())).toEqual(new Set([first, third]))
    })

    it('deletes down to the low watermark when the high one is passed', async () => {
      await start(quotaOfBytes(10 * SIZE, { highWatermark: 0.5, lowWatermark: 0.3 }))
      const kept: TaskId[] = []
      for (let seed = 1; seed <= 6; seed++) kept.push(await keep(seed))
      expect(removed.toSorted()).toEqual(kept.slice(0, 3).toSorted())
    })

    it('keeps what is in use and what is pinned', async () => {
      await start(quotaOfBytes(3 * SIZE))
      const [pinned, used, idle] = [await keep(1), await keep(2), await keep(3)]
      expect(await store.pin(pinned, true)).toBe(true)
      const hold = await store.openExisting(used)
      await keep(4)
      expect(removed).toEqual([idle])
      expect((await store.list()).find(task => task.taskId === pinned)).toMatchObject({ pinned: true })
      await hold?.close()
    })

    it('deletes what is pinned no longer', async () => {
      await start(quotaOfBytes(SIZE))
      const first = await keep(1)
      await store.pin(first, true)
      await expect(keep(2)).rejects.toMatchObject({ code: 'STORE_FULL' })
      await store.pin(first, false)
      await keep(3)
      expect(removed).toEqual([first])
    })

    it('pins a task that is open, and none that is not here', async () => {
      await start(quotaOfBytes(SIZE))
      const task = await store.open(taskOf(contentOf(SIZE)), { blockSizeBytes: BLOCK, sizeBytes: SIZE })
      expect(await store.pin(task.taskId, true)).toBe(true)
      expect(await store.list()).toMatchObject([{ pinned: true }])
      expect(await store.pin(taskOf(contentOf(SIZE, 9)), true)).toBe(false)
      await task.close()
    })

    it('refuses content that does not fit before a byte of it has come', async () => {
      await start(quotaOfBytes(SIZE))
      const opening = store.open(taskOf(contentOf(2 * SIZE)), { blockSizeBytes: BLOCK, sizeBytes: SIZE + 1 })
      await expect(opening).rejects.toMatchObject({
        code: 'STORE_FULL',
        message: expect.stringContaining('store.maxBytes'),
      })
      expect(await listed()).toEqual([])
    })

    it('promises the same room to one of two who open at once', async () => {
      await start(quotaOfBytes(SIZE))
      const shape = { blockSizeBytes: BLOCK, sizeBytes: SIZE }
      const opened = await Promise.allSettled([1, 2].map(seed => store.open(taskOf(contentOf(SIZE, seed)), shape)))
      expect(opened.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    })

    it('keeps room for what is still to come of a task in use', async () => {
      await start(quotaOfBytes(2 * SIZE))
      const task = await store.open(taskOf(contentOf(SIZE)), { blockSizeBytes: BLOCK, sizeBytes: SIZE })
      expect(await store.space()).toEqual({
        tasks: 1,
        storedBytes: 0,
        claimedBytes: SIZE,
        pinnedBytes: 0,
        capacityBytes: 2 * SIZE,
      })
      const large = { blockSizeBytes: BLOCK, sizeBytes: SIZE + BLOCK }
      await expect(store.open(taskOf(contentOf(SIZE + BLOCK, 1)), large)).rejects.toMatchObject({ code: 'STORE_FULL' })
      await task.close()
      await (await store.open(taskOf(contentOf(SIZE + BLOCK, 1)), large)).close()
    })

    it('takes content of unknown size block by block, as long as there is room', async () => {
      await start(quotaOfBytes(3 * BLOCK))
      const content = contentOf(SIZE)
      const blocks = blocksOf(content, BLOCK)
      const task = await store.open(taskOf(content), { blockSizeBytes: BLOCK, sizeBytes: undefined })
      await writeAll(task, blocks.slice(0, 3))
      await expect(writeAll(task, blocks.slice(3))).rejects.toMatchObject({ code: 'STORE_FULL' })
      await expect(task.setSize(SIZE)).rejects.toMatchObject({ code: 'STORE_FULL' })
      expect(task.sizeBytes).toBeUndefined()
      expect([...task.present]).toEqual([0, 1, 2])
      await task.close()
    })

    it('asks for room when stored blocks are to be completed', async () => {
      await start(quotaOfBytes(SIZE))
      const content = contentOf(SIZE, 1)
      const blocks = blocksOf(content, BLOCK)
      const begun = await store.open(taskOf(content), { blockSizeBytes: BLOCK, sizeBytes: SIZE })
      await writeAll(begun, blocks.slice(0, 1))
      await begun.close()
      const other = await store.open(taskOf(contentOf(2 * BLOCK, 2)), { blockSizeBytes: BLOCK, sizeBytes: 2 * BLOCK })
      const again = await store.openExisting(begun.taskId)
      await expect(
        again?.write(1, blockAt(blocks, 1).digest, ownBuffer(blockAt(blocks, 1).bytes)),
      ).rejects.toMatchObject({
        code: 'STORE_FULL',
      })
      await other.close()
      if (again !== undefined) await writeAll(again, blocks.slice(1))
      expect(again?.present.count).toBe(4)
      await again?.close()
    })

    it('sweeps what lies above the watermarks', async () => {
      await start(quotaOfBytes(4 * SIZE, { highWatermark: 0.5, lowWatermark: 0.25 }))
      const [first, second] = [await keep(1), await keep(2)]
      const hold = await store.openExisting(second)
      const third = await store.open(taskOf(contentOf(SIZE, 3)), { blockSizeBytes: BLOCK, sizeBytes: SIZE })
      expect(removed).toEqual([first])
      await hold?.close()
      await third.close()
      expect(await store.sweep()).toEqual([])
      await writeAll(await store.open(third.taskId, third), blocksOf(contentOf(SIZE, 3), BLOCK))
      expect(await store.sweep()).toEqual([])
      expect(await store.space()).toMatchObject({ tasks: 2, storedBytes: 2 * SIZE })
    })
  })
}

function blockAt(blocks: ReturnType<typeof blocksOf>, index: number) {
  const block = blocks[index]
  if (block === undefined) throw new Error(`there is no block ${index}`)
  return block
}
