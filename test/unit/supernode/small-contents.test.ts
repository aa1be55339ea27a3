import { afterEach, beforeEach, expect, test } from 'vitest'
import { silentLogger } from '../../../lib/logger.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { SMALL_CONTENT_BYTES } from '../../../protocol/small-content.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { SmallContentStore } from '../../../supernode/small/small-content-store.ts'
import { SmallContents } from '../../../supernode/small/small-contents.ts'
import { contentOf, taskOf } from '../../helpers/content-blocks.ts'
import { type FakeOrigin, fakeOrigin, readsOf } from '../../helpers/fake-origin.ts'
import { readAll } from '../../helpers/origin-content.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../helpers/scratch-directory.ts'

const CONTENT = contentOf(1_000)
const TASK = taskOf(CONTENT)
const URL_TASK = `url:${'1'.repeat(64)}` as TaskId
const SOURCE = { url: 'http://origin.example/x', headers: {} }

let scratch: ScratchDirectory
let store: SmallContentStore
beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = new SmallContentStore({ logger: silentLogger() }, { dataDir: scratch.path, maxBytes: 1024 ** 2 })
  await store.start()
})
afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

function contentsOf(origin: FakeOrigin): SmallContents {
  return new SmallContents({ store, resume: readsOf(origin) })
}

test('many that ask have it read once, and later ones get what is stored', async () => {
  const origin = fakeOrigin(CONTENT)
  const small = contentsOf(origin)
  const asked = await Promise.all(Array.from({ length: 20 }, () => small.get(TASK, SOURCE)))
  for (const { bytes } of asked) expect(Buffer.from(bytes)).toEqual(Buffer.from(CONTENT))
  await small.get(TASK, SOURCE)
  expect(origin.opened).toEqual([0])
  expect(await small.held(TASK)).toMatchObject({ contentType: 'application/octet-stream' })
})

test('what is here can be read instead of the origin; nothing else', async () => {
  const small = contentsOf(fakeOrigin(CONTENT))
  expect(await small.heldRead(TASK)).toBeUndefined()
  await small.get(TASK, SOURCE)
  const read = await small.heldRead(TASK)
  expect(read).toMatchObject({ sizeBytes: 1_000, contentType: 'application/octet-stream' })
  expect(await readAll(read?.body ?? (async function* () {})())).toEqual(Buffer.from(CONTENT))
})

test('a read under way is waited for', async () => {
  const gate = Promise.withResolvers<void>()
  const origin = fakeOrigin(CONTENT)
  origin.plans.push({ breaksAt: 500, waitsFor: gate.promise })
  const small = contentsOf(origin)
  const getting = small.get(TASK, SOURCE)
  const held = small.held(TASK)
  gate.resolve()
  expect(await held).toEqual(await getting)
})

test('content with another digest is refused, is not kept, and is read anew', async () => {
  const origin = fakeOrigin(CONTENT)
  origin.plans.push({ corruptsAt: 5 })
  const small = contentsOf(origin)
  await expect(small.get(TASK, SOURCE)).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
  expect(store.has(TASK)).toBe(false)
  expect((await small.get(TASK, SOURCE)).bytes).toHaveLength(1_000)
})

test('content that is longer than it may be is refused', async () => {
  const most = contentsOf(fakeOrigin(contentOf(SMALL_CONTENT_BYTES), { chunkBytes: 10_000 }))
  expect((await most.get(URL_TASK, SOURCE)).bytes).toHaveLength(SMALL_CONTENT_BYTES)
  await store.delete(URL_TASK)
  const more = contentsOf(fakeOrigin(contentOf(SMALL_CONTENT_BYTES + 1), { chunkBytes: 10_000, told: false }))
  await expect(more.get(URL_TASK, SOURCE)).rejects.toMatchObject({ code: 'SIZE_INVALID' })
  expect(store.has(URL_TASK)).toBe(false)
})

test('what the origin says is said, and a body that breaks off is read on', async () => {
  const origin = fakeOrigin(CONTENT)
  origin.plans.push({ refuses: new DamselflyError('DENIED') }, { breaksAt: 500 })
  const small = contentsOf(origin)
  await expect(small.get(TASK, SOURCE)).rejects.toMatchObject({ code: 'DENIED' })
  expect((await small.get(TASK, SOURCE)).bytes).toHaveLength(1_000)
  expect(origin.opened).toEqual([0, 0, 500])
})

test('a stop ends reads that are under way', async () => {
  const gate = Promise.withResolvers<void>()
  const origin = fakeOrigin(CONTENT)
  origin.plans.push({ breaksAt: 500, waitsFor: gate.promise })
  const small = contentsOf(origin)
  await small.start()
  const getting = small.get(TASK, SOURCE)
  const refused = expect(getting).rejects.toThrow('the supernode is stopping')
  const stopping = small.stop()
  gate.resolve()
  await stopping
  await refused
  expect(store.has(TASK)).toBe(false)
})
