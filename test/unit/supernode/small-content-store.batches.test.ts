import { expect, onTestFinished, test } from 'vitest'
import { silentLogger } from '../../../lib/logger.ts'
import { digestOf } from '../../../protocol/digest.ts'
import { taskIdOfDigest } from '../../../protocol/task.ts'
import { SmallContentStore } from '../../../supernode/small/small-content-store.ts'
import { createScratchDirectory } from '../../helpers/scratch-directory.ts'

const contents = Array.from({ length: 20 }, (_, index) => {
  const bytes = Buffer.alloc(1000, `content ${index} `)
  return { bytes, contentType: index % 2 === 0 ? 'text/plain' : undefined, taskId: taskIdOfDigest(digestOf(bytes)) }
})

async function startStore(maxBytes = 1e6) {
  const scratch = await createScratchDirectory()
  onTestFinished(() => scratch[Symbol.asyncDispose]())
  const store = new SmallContentStore({ logger: silentLogger() }, { dataDir: scratch.path, maxBytes })
  onTestFinished(() => store.stop())
  await store.start()
  return store
}

test('contents that come at once are all there, also after a restart', async () => {
  const store = await startStore()
  await Promise.all(contents.map(({ taskId, ...content }) => store.put(taskId, content)))
  await store.stop()
  await store.start()
  for (const { taskId, bytes, contentType } of contents) {
    const found = await store.get(taskId)
    expect(bytes.equals(found?.bytes ?? Buffer.of())).toBe(true)
    expect(found?.contentType).toBe(contentType)
  }
})

test('what is being written when the store stops is written', async () => {
  const store = await startStore()
  const writes = contents.map(({ taskId, ...content }) => store.put(taskId, content))
  await Promise.all([...writes, writes[0]?.then(() => store.stop())])
  await store.start()
  expect(store.list()).toHaveLength(contents.length)
})

test('the oldest goes when there is no room', async () => {
  const store = await startStore(10_000)
  for (const { taskId, ...content } of contents) await store.put(taskId, content)
  expect(store.list().length).toBeLessThanOrEqual(10)
  expect(store.has(contents.at(-1)?.taskId ?? taskIdOfDigest(digestOf(Buffer.of())))).toBe(true)
})

test('a store that does not run says so', async () => {
  const store = await startStore()
  await store.stop()
  const [first] = contents
  if (first === undefined) throw new Error('there is no content')
  const { taskId, ...content } = first
  await expect(store.put(taskId, content)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})
