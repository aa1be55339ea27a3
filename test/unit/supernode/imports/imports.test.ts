import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemoryBlockStore } from '../../../../lib/blocks/memory-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { digestOf } from '../../../../protocol/digest.ts'
import { type TaskId, taskIdOfDigest } from '../../../../protocol/task.ts'
import { ImportStore } from '../../../../supernode/imports/import-store.ts'
import { Imports } from '../../../../supernode/imports/imports.ts'
import { createSwarmOrigin } from '../../../../supernode/imports/swarm-origin.ts'
import { createManualClock } from '../../../helpers/manual-clock.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const DIGEST = digestOf(Buffer.from('content'))
const TASK = taskIdOfDigest(DIGEST)
const IMPORTED = { digest: DIGEST, sizeBytes: 7, body: (async function* () {})() }

let scratch: ScratchDirectory
let store: MemoryBlockStore
let records: ImportStore
let wanted: string[]

beforeEach(async () => {
  scratch = await createScratchDirectory()
  store = new MemoryBlockStore({ clock: createManualClock() })
  records = new ImportStore({ logger: silentLogger() }, { dataDir: scratch.path })
  wanted = []
  await store.start()
  await records.start()
})

afterEach(async () => {
  await records.stop()
  await store.stop()
  await scratch[Symbol.asyncDispose]()
})

function createImports(onImport: () => Promise<boolean> = async () => false): Imports {
  const replicas = {
    want: (_task: TaskId, count: number, known = false) => void wanted.push(`${count}${known ? ' known' : ''}`),
    drop: () => void wanted.push('dropped'),
  }
  const seeder = { import: onImport }
  return new Imports({ records, store, seeder, replicas, clock: createManualClock(), logger: silentLogger() })
}

async function storePart(): Promise<void> {
  const blocks = await store.open(TASK, { blockSizeBytes: 256 * 1024, sizeBytes: 7 })
  await blocks.close()
}

test('what is imported is remembered, with how many replicas are wanted', async () => {
  const imports = createImports()
  expect([imports.isImported(TASK), await imports.take(IMPORTED, 2)]).toEqual([false, false])
  expect([imports.isImported(TASK), await imports.take(IMPORTED, undefined)]).toEqual([true, true])
  await imports.wantReplicas(TASK, 1)
  await records.stop()
  await records.start()
  await createImports().start()
  expect(wanted).toEqual(['2', '2', '1', '1 known'])
  expect([await imports.forget(TASK), imports.isImported(TASK), await imports.forget(TASK)]).toEqual([
    true,
    false,
    false,
  ])
  await expect(imports.wantReplicas(TASK, 1)).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
})

test('what was not proven before a crash is deleted at the next start', async () => {
  await storePart()
  await records.mark(TASK)
  await createImports().start()
  expect([await store.find(TASK), await records.marked()]).toEqual([undefined, []])
})

test('not more than 64 are on their way', async () => {
  const over = Promise.withResolvers<boolean>()
  const imports = createImports(() => over.promise)
  const running = Array.from({ length: 64 }, () => imports.take(IMPORTED, 0))
  await expect(imports.take(IMPORTED, 0)).rejects.toMatchObject({ code: 'TOOMANYREQUESTS' })
  over.resolve(false)
  await Promise.all(running)
  expect(await imports.take(IMPORTED, 0)).toBe(true)
})

test.each([
  ['swarm:', undefined, 'REQUEST_INVALID'],
  ['swarm:sha256:abc', undefined, 'REQUEST_INVALID'],
  [`swarm:${DIGEST}`, undefined, 'REQUEST_INVALID'],
  [`swarm:${DIGEST}`, digestOf(Buffer.from('other')), 'REQUEST_INVALID'],
  [`swarm:${DIGEST}`, DIGEST, 'TASK_UNKNOWN'],
])('%s with the digest %s beside it is %s', async (url, digest, code) => {
  const origin = createSwarmOrigin({ store, isImported: () => false })
  await expect(origin.check({ url, headers: {}, digest })).rejects.toMatchObject({ code })
})

test('what is not whole any more is refused with what to do', async () => {
  await storePart()
  const origin = createSwarmOrigin({ store, isImported: () => true })
  const source = { url: `swarm:${DIGEST}`, headers: {}, digest: DIGEST }
  const refusal = { code: 'TASK_UNKNOWN', message: expect.stringContaining('import it again') }
  await expect(origin.check(source)).rejects.toMatchObject(refusal)
  await expect(origin.open(source)).rejects.toMatchObject(refusal)
})
