import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownBuffer } from '../../lib/blocks/block-buffers.ts'
import type { BlockStore, TaskBlocks } from '../../lib/blocks/block-store.ts'
import { DiskBlockStore } from '../../lib/blocks/disk-block-store.ts'
import { MemoryBlockStore } from '../../lib/blocks/memory-block-store.ts'
import { silentLogger } from '../../lib/logger.ts'
import { blocksOf, type ContentBlock, contentOf, taskOf } from '../helpers/content-blocks.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'

const BLOCK = 32
const SIZE = 5 * BLOCK + 11
const SHAPE = { blockSizeBytes: BLOCK, sizeBytes: SIZE }
const TASK = taskOf(contentOf(SIZE))
/** Several contents of one shape: a dropped block may come back with other bytes. */
const VERSIONS = [0, 1, 2].map(seed => blocksOf(contentOf(SIZE, seed), BLOCK))

/** What the store should hold, and the store. */
interface Model {
  blocks: Map<number, ContentBlock>
  complete: boolean
}

interface Real {
  readonly store: BlockStore
  readonly restartKeeps: boolean
  task: TaskBlocks
}

type Command = fc.AsyncCommand<Model, Real>

function command(name: string, run: (model: Model, real: Real) => Promise<void>): Command {
  return { check: () => true, run, toString: () => name }
}

const index = fc.nat({ max: VERSIONS[0] === undefined ? 0 : VERSIONS[0].length - 1 })

const write = fc
  .tuple(fc.nat({ max: VERSIONS.length - 1 }), fc.uniqueArray(index, { minLength: 1 }))
  .map(([version, at]) =>
    command(`write ${at} of version ${version}`, async (model, real) => {
      const blocks = at.map(each => VERSIONS[version]?.[each]).filter(block => block !== undefined)
      await Promise.all(blocks.map(block => real.task.write(block.index, block.digest, ownBuffer(block.bytes))))
      for (const block of blocks) if (!model.blocks.has(block.index)) model.blocks.set(block.index, block)
    }),
  )

const drop = index.map(at =>
  command(`drop ${at}`, async (model, real) => {
    await real.task.drop(at)
    if (model.blocks.delete(at)) model.complete = false
  }),
)

const read = fc.tuple(index, fc.nat({ max: BLOCK }), fc.nat({ max: BLOCK })).map(([at, from, length]) =>
  command(`read ${at} from ${from}, ${length} bytes`, async (model, real) => {
    const bytes = model.blocks.get(at)?.bytes
    const reading = real.task.read(at, from, length)
    if (bytes === undefined) await expect(reading).rejects.toMatchObject({ code: 'STORE_FAILED' })
    else if (from + length > bytes.length) await expect(reading).rejects.toMatchObject({ code: 'RANGE_INVALID' })
    else expect((await reading).bytes).toEqual(bytes.slice(from, from + length))
  }),
)

const readRun = fc.tuple(index, index).map(([from, last]) =>
  command(`run from ${from} to ${last}`, async (model, real) => {
    const bytes = (await real.task.run(from, last + 1))?.bytes
    if (bytes === undefined) return
    const all = Array.from({ length: last + 1 - from }, (_, at) => model.blocks.get(from + at)?.bytes)
    expect(all.every(each => each !== undefined)).toBe(true)
    expect(Buffer.concat(all.map(each => each ?? new Uint8Array())).equals(bytes)).toBe(true)
  }),
)

const markComplete = fc.constant(
  command('markComplete', async (model, real) => {
    const whole = model.blocks.size === VERSIONS[0]?.length
    if (whole) await real.task.markComplete()
    else await expect(real.task.markComplete()).rejects.toMatchObject({ code: 'STORE_FAILED' })
    model.complete = whole
  }),
)

const reopen = fc.constant(
  command('reopen', async (_, real) => {
    await real.task.close()
    real.task = await real.store.open(TASK, SHAPE)
  }),
)

const restart = fc.constant(
  command('restart', async (model, real) => {
    await real.store.stop()
    await real.store.start()
    real.task = await real.store.open(TASK, SHAPE)
    if (real.restartKeeps) return
    model.blocks.clear()
    model.complete = false
  }),
)

const remove = fc.constant(
  command('remove', async (model, real) => {
    expect(await real.store.remove(TASK)).toBe(true)
    await real.task.close()
    expect(await real.store.list()).toEqual([])
    real.task = await real.store.open(TASK, SHAPE)
    model.blocks.clear()
    model.complete = false
  }),
)

const checkAll = command('check', async (model, real) => {
  expect([...real.task.present]).toEqual([...model.blocks.keys()].sort((a, b) => a - b))
  expect(real.task.complete).toBe(model.complete)
  const storedBytes = [...model.blocks.values()].reduce((sum, { bytes }) => sum + bytes.length, 0)
  expect(await real.store.list()).toMatchObject([{ storedBytes, complete: model.complete }])
  for (const [at, block] of model.blocks) {
    expect(real.task.digestAt(at)).toEqual(block.digest)
    expect((await real.task.read(at)).bytes).toEqual(block.bytes)
  }
})

const commands = fc.commands(
  [write, write, drop, read, readRun, markComplete, reopen, restart, remove, fc.constant(checkAll)],
  {
    size: '+1',
  },
)

async function runModel(store: BlockStore, restartKeeps: boolean, script: Iterable<Command>): Promise<void> {
  await store.start()
  try {
    const real = { store, restartKeeps, task: await store.open(TASK, SHAPE) }
    const model: Model = { blocks: new Map(), complete: false }
    await fc.asyncModelRun(() => ({ model, real }), script)
    await checkAll.run(model, real)
  } finally {
    await store.stop()
  }
}

describe('a block store', () => {
  it('behaves like a map, in memory', async () => {
    await fc.assert(
      fc.asyncProperty(commands, script => runModel(new MemoryBlockStore(), false, script)),
      { numRuns: 200 },
    )
  })

  it('behaves like a map, on disk', async () => {
    await using scratch = await createScratchDirectory()
    let run = 0
    await fc.assert(
      fc.asyncProperty(commands, script => {
        const init = { dataDir: join(scratch.path, String(run++)) }
        return runModel(new DiskBlockStore({ logger: silentLogger() }, init), true, script)
      }),
      { numRuns: 30 },
    )
  })
})
