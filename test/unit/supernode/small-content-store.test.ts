import { join } from 'node:path'
import { Level } from 'level'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../lib/logger.ts'
import { SmallContentStore } from '../../../supernode/small/small-content-store.ts'
import { contentOf, taskOf } from '../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

const KIB = 1024

let scratch: ScratchDirectory
let store: SmallContentStore
beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = await open()
})
afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

async function open(maxBytes = 100 * KIB): Promise<SmallContentStore> {
  const opened = new SmallContentStore({ logger: silentLogger() }, { dataDir: scratch.path, maxBytes })
  await opened.start()
  return opened
}

const contents = Array.from({ length: 12 }, (_, seed) => contentOf(10 * KIB, seed))
const task = (at: number) => taskOf(contents[at] ?? new Uint8Array())
const put = (at: number) =>
  store.put(task(at), { bytes: contents[at] ?? new Uint8Array(), contentType: at % 2 === 0 ? 'text/plain' : undefined })
/** What the store gives: which content it is, and its type. */
async function got(at: number) {
  const content = await store.get(task(at))
  return content && [taskOf(content.bytes) === task(at), content.contentType]
}

const held = () => contents.flatMap((_, at) => (store.has(task(at)) ? [at] : []))

test('what was put is there, with its type, until it is deleted', async () => {
  await put(0)
  await put(1)
  expect(await got(0)).toEqual([true, 'text/plain'])
  expect(await got(1)).toEqual([true, undefined])
  expect(store.list()).toEqual([0, 1].map(at => ({ taskId: task(at), sizeBytes: 10 * KIB })))
  expect([await store.delete(task(0)), await store.delete(task(0))]).toEqual([true, false])
  expect(await store.get(task(0))).toBeUndefined()
  expect(held()).toEqual([1])
})

test('empty content is content', async () => {
  const bytes = new Uint8Array()
  await store.put(taskOf(bytes), { bytes, contentType: undefined })
  expect((await store.get(taskOf(bytes)))?.bytes).toHaveLength(0)
})

test('when there is no room, the oldest go, with some more', async () => {
  for (let at = 0; at < 10; at++) await put(at)
  expect(held()).toHaveLength(10)
  await put(10)
  expect(held()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10])
  await put(11)
  expect(held()).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
})

test('what is put again is young again, and takes no more room', async () => {
  for (let at = 0; at < 10; at++) await put(at)
  await put(0)
  expect(held()).toHaveLength(10)
  await put(10)
  expect(held()).toEqual([0, 3, 4, 5, 6, 7, 8, 9, 10])
})

test('a restart keeps all, in its order', async () => {
  for (const at of [5, 3, 8]) await put(at)
  await put(5)
  await store.stop()
  store = await open(30 * KIB)
  expect(store.list().map(({ taskId }) => taskId)).toEqual([3, 8, 5].map(task))
  expect(await got(8)).toEqual([true, 'text/plain'])
  await put(0)
  expect(held()).toEqual([0, 5])
})

test('damaged and lost content is forgotten, and can be put again', async () => {
  for (const at of [0, 1, 2]) await put(at)
  await store.stop()
  const database = new Level(join(scratch.path, 'small'))
  const stored = database.sublevel<string, Uint8Array>('contents', { valueEncoding: 'view' })
  await stored.put(task(0), contentOf(10 * KIB, 99))
  await stored.del(task(1))
  await database.close()
  store = await open()
  expect([await store.get(task(0)), await store.get(task(1))]).toEqual([undefined, undefined])
  expect(held()).toEqual([2])
  await put(0)
  expect(await got(0)).toEqual([true, 'text/plain'])
})

test('a second process, and a store that does not run, say so', async () => {
  const second = new SmallContentStore({ logger: silentLogger() }, { dataDir: scratch.path, maxBytes: KIB })
  await expect(second.start()).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await store.stop()
  await expect(put(0)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test.each(['null', '{"order":', '{"sizeBytes":-1}'])(
  'a record that is %s goes, and its content with it',
  async text => {
    await put(0)
    await put(1)
    await store.stop()
    const database = new Level(join(scratch.path, 'small'))
    await database.sublevel('records').put(task(0), text)
    await database.close()
    store = await open()
    expect(held()).toEqual([1])
    await put(0)
    expect(await got(0)).toEqual([true, 'text/plain'])
  },
)
