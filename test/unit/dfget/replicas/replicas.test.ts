import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createKeptTasks } from '../../../../dfget/peer/replicas/kept-tasks.ts'
import { Replicas } from '../../../../dfget/peer/replicas/replicas.ts'
import type { TaskContent } from '../../../../dfget/peer/task/task-content.ts'
import { ownBuffer } from '../../../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../../../lib/blocks/memory-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { blockDigestOf } from '../../../../protocol/block-map.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { DamselflyError } from '../../../../protocol/errors.ts'
import type { PeerToSupernode } from '../../../../protocol/messages/control.ts'
import { taskIdOfDigest } from '../../../../protocol/task.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'
import { waitFor } from '../../../helpers/wait.ts'

const CONTENT = Buffer.from('content')
const TASK = taskIdOfDigest(digestOf(CONTENT))

let scratch: ScratchDirectory
let store: MemoryBlockStore
let said: PeerToSupernode[]

beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = new MemoryBlockStore({ clock: createManualClock() })
  said = []
  await store.start()
})

afterEach(async () => {
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

async function storeContent(): Promise<void> {
  const blocks = await store.open(TASK, { blockSizeBytes: 256 * 1024, sizeBytes: CONTENT.length })
  await blocks.write(0, blockDigestOf(CONTENT), ownBuffer(CONTENT))
  await blocks.markComplete()
  await blocks.close()
}

async function createReplicas(fetch: () => Promise<void>): Promise<Replicas> {
  const replicas: Replicas = new Replicas({
    kept: createKeptTasks({ dataDir: scratch.path }),
    tasks: {
      async open() {
        await fetch()
        return { settled: async () => true } as unknown as TaskContent
      },
    },
    store,
    remove: task => store.remove(task),
    send: message => void said.push(message),
    logger: silentLogger(),
  })
  store.onRemoved(task => replicas.removed(task))
  await replicas.start()
  return replicas
}

async function hears(count: number): Promise<PeerToSupernode[]> {
  await waitFor(() => said.length >= count, { timeoutMs: 5_000, what: `message ${count}` })
  return said
}

test('what is asked for is fetched, pinned and said; what is released is deleted', async () => {
  const replicas = await createReplicas(storeContent)
  replicas.receive({ type: 'keep', task: TASK })
  replicas.receive({ type: 'keep', task: TASK })
  expect(await hears(1)).toEqual([{ type: 'kept', task: TASK }])
  expect(await store.find(TASK)).toMatchObject({ pinned: true, complete: true })
  replicas.receive({ type: 'release', task: TASK })
  await waitFor(async () => (await store.find(TASK)) === undefined, { timeoutMs: 5_000, what: 'the deletion' })
  expect(said).toHaveLength(1)
  await replicas.stop()
})

test('what is kept is said again after a restart, and what is lost is fetched anew', async () => {
  const first = await createReplicas(storeContent)
  first.receive({ type: 'keep', task: TASK })
  await hears(1)
  await first.stop()
  const second = await createReplicas(storeContent)
  second.linked()
  expect(await hears(2)).toEqual([
    { type: 'kept', task: TASK },
    { type: 'kept', task: TASK },
  ])
  await second.stop()
})

test("a pin of the operator's outlasts the replica", async () => {
  await storeContent()
  await store.pin(TASK, true)
  const replicas = await createReplicas(async () => {})
  replicas.receive({ type: 'keep', task: TASK })
  await hears(1)
  replicas.receive({ type: 'release', task: TASK })
  replicas.receive({ type: 'keep', task: TASK })
  await hears(2)
  expect(await store.find(TASK)).toMatchObject({ pinned: true })
  await replicas.stop()
})

test.each([
  ['STORE_FULL', () => Promise.reject(new DamselflyError('STORE_FULL'))],
  ['TASK_UNKNOWN', () => Promise.reject(new DamselflyError('TASK_UNKNOWN'))],
  ['BLOCK_LATE', async () => {}],
])('whoever cannot keep it says %s', async (code, fetch) => {
  const replicas = await createReplicas(fetch)
  replicas.receive({ type: 'keep', task: TASK })
  expect(await hears(1)).toEqual([{ type: 'refused', task: TASK, code }])
  await replicas.stop()
})

test('what the operator deletes is kept no longer, and the supernode hears of it', async () => {
  const replicas = await createReplicas(storeContent)
  replicas.receive({ type: 'keep', task: TASK })
  await hears(1)
  await store.remove(TASK)
  expect((await hears(2))[1]).toEqual({ type: 'refused', task: TASK, code: 'TASK_UNKNOWN' })
  await replicas.stop()
  const kept = createKeptTasks({ dataDir: scratch.path })
  await kept.start()
  expect([...kept.all()]).toEqual([])
})

test('a release ends a fetch', async () => {
  const fetching = Promise.withResolvers<void>()
  const replicas = await createReplicas(() => fetching.promise)
  replicas.receive({ type: 'keep', task: TASK })
  replicas.receive({ type: 'release', task: TASK })
  fetching.reject(new Error('the replica is not wanted any more'))
  replicas.receive({ type: 'keep', task: `url:${'0'.repeat(64)}` as typeof TASK })
  expect(await hears(1)).toEqual([{ type: 'refused', task: `url:${'0'.repeat(64)}`, code: 'UNSUPPORTED' }])
  await replicas.stop()
})

test.each(['', '{', '[{"task":"x","pinnedBefore":true}]'])(
  'a damaged list, %j, is refused with what to do',
  async text => {
    await writeFile(join(scratch.path, 'replicas.json'), text)
    await expect(createKeptTasks({ dataDir: scratch.path }).start()).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringMatching(/replicas\.json is damaged; delete it, and the supernode asks/),
    })
  },
)
