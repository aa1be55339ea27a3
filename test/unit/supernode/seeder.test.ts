import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { BlockBuffers } from '../../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import { createInlineHasher } from '../../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { SeedTask } from '../../../supernode/seed/seed-task.ts'
import { Seeder } from '../../../supernode/seed/seeder.ts'
import { contentOf, taskOf } from '../../helpers/content-blocks.ts'
import { type FakeOrigin, fakeOrigin, readsOf } from '../../helpers/fake-origin.ts'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts'
import { waitFor } from '../../helpers/wait.ts'

const BLOCK = 16
const CONTENT = contentOf(5 * BLOCK + 3)
const TASK = taskOf(CONTENT)
const SHAPE = { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length }
const UNKNOWN = { blockSizeBytes: BLOCK, sizeBytes: undefined }
const SOURCE = { url: 'http://origin.example/x', headers: {} }

let clock: ManualClock
let store: MemoryBlockStore
let heard: string[]
let ready: number[]

beforeEach(async () => {
  clock = createManualClock()
  store = new MemoryBlockStore({ clock })
  heard = []
  ready = []
  await store.start()
})

afterEach(() => store.stop())

function createSeeder(origin: FakeOrigin): Seeder {
  return new Seeder({
    givesWay: () => false,
    heldRead: async () => undefined,
    store,
    buffers: new BlockBuffers(),
    hasher: createInlineHasher(),
    unproven: { mark: async () => {}, unmark: async () => {} },
    resume: readsOf(origin),
    listener: {
      grown: task => void ready.push(task.readyBlocks),
      complete: task => void heard.push(`complete ${task.taskId}`),
      failed: (_task, { code }) => void heard.push(`failed ${code}`),
      dropped: (taskId, code) => void heard.push(`dropped ${taskId} ${code}`),
    },
    clock,
    logger: silentLogger(),
  })
}

async function settled(seeder: Seeder, taskId: TaskId = TASK): Promise<SeedTask | undefined> {
  await waitFor(() => heard.some(text => /^(complete|failed|dropped)/.test(text)), {
    timeoutMs: 5_000,
    what: 'the end of a read',
  })
  return seeder.get(taskId)
}

async function contentIn(task: SeedTask): Promise<Buffer> {
  const blocks = []
  for (let block = 0; block < task.readyBlocks; block++) blocks.push((await task.blocks.read(block)).bytes)
  return Buffer.concat(blocks)
}

describe('a seeder', () => {
  test.for([
    ['told', true],
    ['not told', false],
  ] as const)('reads content whose size is %s', async ([, told]) => {
    const seeder = createSeeder(fakeOrigin(CONTENT, { told }))
    await seeder.ensure(TASK, SOURCE, told ? SHAPE : UNKNOWN)
    const task = await settled(seeder)
    if (task === undefined) throw new Error('no task')
    expect(heard).toEqual([`complete ${TASK}`])
    expect(task.state).toBe('complete')
    expect(task.blocks.complete).toBe(true)
    expect((await contentIn(task)).equals(CONTENT)).toBe(true)
    expect(task.map).toMatchObject({ sizeBytes: CONTENT.length, complete: true })
    // Blocks are offered one by one, never before they are stored.
    expect(ready).toEqual([...ready].sort((a, b) => a - b))
    for (const blocks of [1, 2, 3, 4, 5, 6]) expect(ready).toContain(blocks)
  })

  test('reads once, however many ask', async () => {
    const origin = fakeOrigin(CONTENT)
    const seeder = createSeeder(origin)
    await Promise.all(Array.from({ length: 20 }, () => seeder.ensure(TASK, SOURCE, SHAPE)))
    await settled(seeder)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(origin.opened).toEqual([0])
  })

  test('reads empty content', async () => {
    const empty = new Uint8Array()
    const seeder = createSeeder(fakeOrigin(empty))
    await seeder.ensure(taskOf(empty), SOURCE, { blockSizeBytes: BLOCK, sizeBytes: 0 })
    expect(await settled(seeder, taskOf(empty))).toMatchObject({ state: 'complete', readyBlocks: 0 })
  })

  test('goes on where the origin broke off', async () => {
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ breaksAt: 40 }, { breaksAt: 41 })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'complete' })
    expect(origin.opened).toEqual([0, 40, 41])
  })

  test('asks an origin again that does not open at first', async () => {
    const origin = fakeOrigin(CONTENT)
    const refuses = new DamselflyError('ORIGIN_FAILED')
    origin.plans.push({ refuses }, { refuses })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'complete' })
    expect(origin.opened).toEqual([0, 0, 0])
  })

  test('does not ask again whoever refuses for good', async () => {
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ refuses: new DamselflyError('UNAUTHORIZED') })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'failed' })
    expect(heard).toEqual(['failed UNAUTHORIZED'])
    expect(origin.opened).toEqual([0])
  })

  test('gives up, keeps what it has, and goes on from there at the next request', async () => {
    const origin = fakeOrigin(CONTENT)
    for (let tries = 0; tries < 5; tries++) origin.plans.push({ breaksAt: 40 })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'failed', readyBlocks: 2 })

    heard = []
    await seeder.ensure(TASK, SOURCE, SHAPE)
    const task = await settled(seeder)
    if (task === undefined) throw new Error('no task')
    expect(task.state).toBe('complete')
    expect(origin.opened.at(-1)).toBe(2 * BLOCK)
    expect((await contentIn(task)).equals(CONTENT)).toBe(true)
  })

  test('throws content away that is not what its digest says, and reads it anew', async () => {
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ corruptsAt: 20 })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toBeUndefined()
    expect(heard).toEqual([`dropped ${TASK} CONTENT_CORRUPT`])
    expect(await store.list()).toEqual([])

    heard = []
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'complete' })
    expect(origin.opened).toEqual([0, 0])
  })

  test('whoever wants a task that is on its way out has it read anew', async () => {
    const origin = fakeOrigin(CONTENT)
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    await settled(seeder)
    heard = []
    const dropping = seeder.drop(TASK)
    const wanted = await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await dropping).toBe(true)
    await waitFor(() => heard.length === 2, { timeoutMs: 5_000, what: 'the end of the second read' })
    expect(heard).toEqual([`dropped ${TASK} TASK_UNKNOWN`, `complete ${TASK}`])
    expect(seeder.get(TASK)).toBe(wanted)
    expect((await contentIn(wanted)).equals(CONTENT)).toBe(true)
    expect(origin.opened).toEqual([0, 0])
  })

  test('checks stored blocks with the rest: a wrong one is found', async () => {
    const origin = fakeOrigin(CONTENT)
    for (let tries = 0; tries < 5; tries++) origin.plans.push({ corruptsAt: 3, breaksAt: 40 })
    const seeder = createSeeder(origin)
    await seeder.ensure(TASK, SOURCE, SHAPE)
    await settled(seeder)
    heard = []
    await seeder.ensure(TASK, SOURCE, SHAPE)
    await settled(seeder)
    expect(heard).toEqual([`dropped ${TASK} CONTENT_CORRUPT`])
  })

  test('gives out what it has, and nothing else', async () => {
    const gate = Promise.withResolvers<void>()
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ breaksAt: 40, waitsFor: gate.promise })
    const seeder = createSeeder(origin)
    const task = await seeder.ensure(TASK, SOURCE, SHAPE)
    await waitFor(() => task.readyBlocks === 2, { timeoutMs: 5_000 })
    expect(await seeder.lengthOf(TASK, 1)).toBe(BLOCK)
    expect(await seeder.lengthOf(TASK, 2)).toBeUndefined()
    expect(await seeder.lengthOf(taskOf(Uint8Array.of(1)), 0)).toBeUndefined()
    expect(Buffer.from((await seeder.read(TASK, 1, 4, 6)).bytes).equals(CONTENT.subarray(20, 26))).toBe(true)
    gate.resolve()
    await settled(seeder)
    expect(await seeder.lengthOf(TASK, 5)).toBe(3)
  })

  test('tells the shape of what is stored without opening it', async () => {
    const seeder = createSeeder(fakeOrigin(CONTENT))
    expect(await seeder.shapeOf(TASK)).toBeUndefined()
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await seeder.shapeOf(TASK)).toEqual(SHAPE)
    await settled(seeder)
    await seeder.stop()
    await seeder.start()
    expect(await seeder.shapeOf(TASK)).toMatchObject(SHAPE)
    expect([...seeder.tasks()]).toEqual([])
    await seeder.stop()
  })

  test('drops a task that is being read', async () => {
    const gate = Promise.withResolvers<void>()
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ breaksAt: 40, waitsFor: gate.promise })
    const seeder = createSeeder(origin)
    const task = await seeder.ensure(TASK, SOURCE, SHAPE)
    await waitFor(() => task.readyBlocks === 2, { timeoutMs: 5_000 })
    expect(await seeder.drop(TASK)).toBe(true)
    expect(await seeder.drop(TASK)).toBe(false)
    gate.resolve()
    await settled(seeder)
    expect(seeder.get(TASK)).toBeUndefined()
    expect(heard[0]).toBe(`dropped ${TASK} TASK_UNKNOWN`)
    expect(heard).not.toContain(`complete ${TASK}`)
    expect(await store.list()).toEqual([])
  })

  test('stops in the middle of a read, and finds the task again after a start', async () => {
    const gate = Promise.withResolvers<void>()
    const origin = fakeOrigin(CONTENT)
    origin.plans.push({ breaksAt: 40, waitsFor: gate.promise })
    const seeder = createSeeder(origin)
    const task = await seeder.ensure(TASK, SOURCE, SHAPE)
    await waitFor(() => task.readyBlocks === 2, { timeoutMs: 5_000 })
    const stopped = seeder.stop()
    gate.resolve()
    await stopped
    expect(heard).toEqual([])

    await seeder.start()
    expect(await seeder.find(TASK)).toMatchObject({ state: 'idle', readyBlocks: 2 })
    await seeder.ensure(TASK, SOURCE, SHAPE)
    expect(await settled(seeder)).toMatchObject({ state: 'complete' })
    expect(origin.opened).toEqual([0, 2 * BLOCK])
  })
})
