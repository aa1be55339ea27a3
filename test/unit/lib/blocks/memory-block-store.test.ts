import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MemoryBlockStore } from '../../../../lib/blocks/memory-block-store.ts'
import { describeBlockStore, writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from '../../../helpers/content-blocks.ts'

describeBlockStore('MemoryBlockStore', async () => ({
  store: new MemoryBlockStore(),
  [Symbol.asyncDispose]: async () => {},
}))

describe('MemoryBlockStore with a capacity', () => {
  const content = contentOf(64)
  const blocks = blocksOf(content, 16)
  const shape = { blockSizeBytes: 16, sizeBytes: 64 }
  let store: MemoryBlockStore

  beforeEach(async () => {
    store = new MemoryBlockStore({}, { capacityBytes: 48 })
    await store.start()
  })

  afterEach(() => store.stop())

  it('refuses what does not fit and takes it once there is room', async () => {
    const task = await store.open(taskOf(content), shape)
    await writeAll(task, blocks.slice(0, 3))
    await expect(writeAll(task, blocks.slice(3))).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(task.present.count).toBe(3)
    await task.drop(0)
    await writeAll(task, blocks.slice(3))
    expect([...task.present]).toEqual([1, 2, 3])
  })

  it('gives the room of a removed task back', async () => {
    const task = await store.open(taskOf(content), shape)
    await writeAll(task, blocks.slice(0, 3))
    await task.close()
    await store.remove(task.taskId)
    const other = await store.open(taskOf(contentOf(64, 1)), shape)
    await writeAll(other, blocks.slice(0, 3))
    expect(other.present.count).toBe(3)
  })

  it('gives the room back when it stops', async () => {
    const task = await store.open(taskOf(content), shape)
    await writeAll(task, blocks.slice(0, 3))
    await store.stop()
    await store.start()
    const again = await store.open(taskOf(content), shape)
    await writeAll(again, blocks.slice(0, 3))
    expect(again.present.count).toBe(3)
  })
})
