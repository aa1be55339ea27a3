import { describe, expect, it } from 'vitest'
import { MemoryBlockStore } from '../../../../lib/blocks/memory-block-store.ts'
import { describeBlockStore, writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { describeStoreQuota, quotaOfBytes } from '../../../helpers/store-quota-contract.ts'

const nothing = { [Symbol.asyncDispose]: async () => {} }

describeBlockStore('MemoryBlockStore', async () => ({ store: new MemoryBlockStore(), ...nothing }))
describeStoreQuota('MemoryBlockStore', async (quota, clock) => ({
  store: new MemoryBlockStore({ clock }, { quota }),
  ...nothing,
}))

describe('MemoryBlockStore', () => {
  it('gives the room back when it stops', async () => {
    const content = contentOf(64)
    const store = new MemoryBlockStore({}, { quota: quotaOfBytes(64) })
    await store.start()
    await writeAll(await store.open(taskOf(content), { blockSizeBytes: 16, sizeBytes: 64 }), blocksOf(content, 16))
    await store.stop()
    await store.start()
    expect(await store.space()).toMatchObject({ tasks: 0, storedBytes: 0, claimedBytes: 0 })
    await store.stop()
  })
})
