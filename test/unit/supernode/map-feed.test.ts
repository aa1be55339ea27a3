import { expect, test } from 'vitest'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import { BlockMap, blockDigestOf } from '../../../protocol/block-map.ts'
import { MAP_DIGESTS_PER_MESSAGE, type SupernodeToPeer } from '../../../protocol/messages/control.ts'
import { mapNews } from '../../../supernode/control/map-feed.ts'
import { SeedTask } from '../../../supernode/seed/seed-task.ts'
import { taskOf } from '../../helpers/content-blocks.ts'

const BLOCK = 256 * 1024

async function seedTask(blocks: number, sizeBytes?: number): Promise<SeedTask> {
  const store = new MemoryBlockStore()
  await store.start()
  const map = new BlockMap(BLOCK, sizeBytes)
  for (let block = 0; block < blocks; block++) map.append(blockDigestOf(Uint8Array.of(block & 0xff, block >> 8)))
  const taskId = taskOf(Uint8Array.of(1))
  return new SeedTask(taskId, await store.open(taskId, { blockSizeBytes: BLOCK, sizeBytes }), map)
}

/** A map as a peer puts it together. */
function received(messages: Iterable<SupernodeToPeer>, into = new BlockMap(BLOCK)): BlockMap {
  for (const message of messages) {
    if (message.type !== 'map') throw new Error(message.type)
    expect(into.extend(message.from, message.digests)).toBe(true)
    if (message.sizeBytes !== undefined) into.setSize(message.sizeBytes)
  }
  return into
}

test('tells what is new, once', async () => {
  const task = await seedTask(3)
  const cursor = { blocks: 0, sizeTold: false }
  const map = received(mapNews(task, cursor))
  expect(map.slice(0, 3)).toEqual(task.map.slice(0, 3))
  expect([...mapNews(task, cursor)]).toEqual([])

  task.map.append(blockDigestOf(Uint8Array.of(9)))
  const [message, ...others] = mapNews(task, cursor)
  expect(message).toMatchObject({ from: 3, digests: task.map.slice(3, 4) })
  expect(others).toEqual([])
})

test('tells the size alone when nothing else is new', async () => {
  const task = await seedTask(2)
  const cursor = { blocks: 2, sizeTold: false }
  expect([...mapNews(task, cursor)]).toEqual([])
  task.map.setSize(BLOCK + 1)
  expect([...mapNews(task, cursor)]).toMatchObject([{ from: 2, digests: Buffer.alloc(0), sizeBytes: BLOCK + 1 }])
  expect([...mapNews(task, cursor)]).toEqual([])
})

test('tells of empty content that it is empty', async () => {
  const task = await seedTask(0, 0)
  expect([...mapNews(task, { blocks: 0, sizeTold: false })]).toMatchObject([{ from: 0, sizeBytes: 0 }])
})

test('cuts a long map into messages', async () => {
  const blocks = MAP_DIGESTS_PER_MESSAGE * 2 + 5
  const task = await seedTask(blocks, blocks * BLOCK)
  const messages = [...mapNews(task, { blocks: 0, sizeTold: false })]
  expect(messages.length).toBe(3)
  const map = received(messages)
  expect(map.complete).toBe(true)
  expect(map.slice(0, blocks)).toEqual(task.map.slice(0, blocks))
})
