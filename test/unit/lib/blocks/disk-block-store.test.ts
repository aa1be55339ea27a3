import { chmod, cp, open, readdir, rm, stat, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type BlockFile, type OpenBlockFile, openBlockFile } from '../../../../lib/blocks/block-file.ts'
import type { TaskBlocks } from '../../../../lib/blocks/block-store.ts'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'

const BLOCK = 64
const CONTENT = contentOf(7 * BLOCK + 9)
const BLOCKS = blocksOf(CONTENT, BLOCK)
const TASK = taskOf(CONTENT)
const SHAPE = { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length }
const FILE = TASK.replace(':', '-')

let scratch: ScratchDirectory
let dataDir: string
const stores: DiskBlockStore[] = []

beforeEach(async () => {
  scratch = await createScratchDirectory()
  dataDir = join(scratch.path, 'data')
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.stop()
  await scratch[Symbol.asyncDispose]()
})

function newStore(directory = dataDir, openFile: OpenBlockFile = openBlockFile): DiskBlockStore {
  // What is in memory does not tell how the files are.
  const store = new DiskBlockStore({ logger: silentLogger(), openFile }, { dataDir: directory, recentBytes: 0 })
  stores.push(store)
  return store
}

async function started(directory = dataDir, openFile: OpenBlockFile = openBlockFile): Promise<DiskBlockStore> {
  const store = newStore(directory, openFile)
  await store.start()
  return store
}

/** A store with the whole content, complete and open. */
async function filled(): Promise<{ store: DiskBlockStore; task: TaskBlocks }> {
  const store = await started()
  const task = await store.open(TASK, SHAPE)
  await writeAll(task, BLOCKS)
  await task.markComplete()
  return { store, task }
}

/** The data directory as a power cut at this moment would leave it. */
async function crashCopy(): Promise<string> {
  const copy = join(scratch.path, `copy-${(await readdir(scratch.path)).length}`)
  await cp(dataDir, copy, { recursive: true })
  return copy
}

async function flipByte(directory: string, position: number): Promise<void> {
  const handle = await open(join(directory, 'blocks', FILE), 'r+')
  const byte = new Uint8Array(1)
  await handle.read(byte, 0, 1, position)
  byte[0] = (byte[0] ?? 0) ^ 0xff
  await handle.write(byte, 0, 1, position)
  await handle.close()
}

async function expectBlocks(store: DiskBlockStore, indices: number[]): Promise<TaskBlocks> {
  const task = await store.openExisting(TASK)
  if (task === undefined) throw new Error('the task is not stored')
  expect([...task.present]).toEqual(indices)
  for (const index of indices) {
    expect((await task.read(index)).bytes).toEqual(BLOCKS[index]?.bytes)
    expect(task.digestAt(index)).toEqual(BLOCKS[index]?.digest)
  }
  return task
}

const ALL = BLOCKS.map(block => block.index)

describe('DiskBlockStore after a restart', () => {
  it('keeps blocks, size, completeness and time of use', async () => {
    const { store } = await filled()
    const before = await store.list()
    await store.stop()
    await store.start()
    expect(await store.list()).toEqual(before)
    const task = await expectBlocks(store, ALL)
    expect(task.complete).toBe(true)
    expect(task.sizeBytes).toBe(CONTENT.length)
  })

  it('keeps blocks of a task whose size is not known', async () => {
    const store = await started()
    const task = await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: undefined })
    await writeAll(task, BLOCKS.slice(0, 5))
    await task.drop(2)
    await store.stop()
    await store.start()
    expect(await store.list()).toMatchObject([{ sizeBytes: undefined, storedBytes: 4 * BLOCK }])
    expect((await expectBlocks(store, [0, 1, 3, 4])).sizeBytes).toBeUndefined()
  })

  it('carries out a removal that was waiting for openers', async () => {
    const { store } = await filled()
    await store.remove(TASK)
    await store.stop()
    await store.start()
    expect(await store.list()).toEqual([])
    expect(await readdir(join(dataDir, 'blocks'))).toEqual([])
  })

  it('hashes a block after a clean stop when it is first read, not before', async () => {
    const { store } = await filled()
    await store.stop()
    await flipByte(dataDir, 3 * BLOCK)
    await store.start()
    const task = await store.openExisting(TASK)
    expect(task?.complete).toBe(true)
    expect((await task?.read(2))?.bytes).toEqual(BLOCKS[2]?.bytes)
    expect(task?.present.has(3)).toBe(true)
    await expect(task?.read(3, 5, 1)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(task?.present.has(3)).toBe(false)
    expect(task?.complete).toBe(false)
  })

  it('hashes a block each time it is read whole, also one that was written in this run', async () => {
    const { task } = await filled()
    expect((await task.block(3)).bytes).toEqual(BLOCKS[3]?.bytes)
    await flipByte(dataDir, 3 * BLOCK)
    await expect(task.block(3)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(task.present.has(3)).toBe(false)
    expect(task.complete).toBe(false)
    expect((await task.block(2)).bytes).toEqual(BLOCKS[2]?.bytes)
  })

  it('hashes a block once in a run for those who only ask whether it is there, however often its task is opened', async () => {
    const { store } = await filled()
    await store.stop()
    await store.start()
    await (await expectBlocks(store, ALL)).close()
    await flipByte(dataDir, 3 * BLOCK)
    const task = await store.openExisting(TASK)
    expect(await task?.check(3)).toBe(true)
    expect(await task?.verify({ signal: AbortSignal.timeout(5_000) })).toEqual([3])
    expect(await task?.check(3)).toBe(false)
  })
})

describe('DiskBlockStore after an unclean stop', () => {
  it('keeps blocks that have their bytes', async () => {
    await filled()
    const store = await started(await crashCopy())
    expect((await expectBlocks(store, ALL)).complete).toBe(true)
  })

  it('drops a block that does not have its bytes, before anything is served', async () => {
    await filled()
    const copy = await crashCopy()
    await flipByte(copy, 3 * BLOCK + 1)
    await flipByte(copy, 7 * BLOCK + 8)
    const store = await started(copy)
    const task = await expectBlocks(store, [0, 1, 2, 4, 5, 6])
    expect(task.complete).toBe(false)
    await expect(task.read(3)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await writeAll(task, BLOCKS)
    await task.markComplete()
    await store.stop()
    await store.start()
    expect((await expectBlocks(store, ALL)).complete).toBe(true)
  })

  it('still hashes a task that is first opened after a clean run in between', async () => {
    await filled()
    const copy = await crashCopy()
    await flipByte(copy, 0)
    const store = await started(copy)
    await store.stop()
    await store.start()
    await expectBlocks(store, ALL.slice(1))
  })

  it('hashes again after a second unclean stop', async () => {
    await filled()
    const first = await crashCopy()
    const store = await started(first)
    await expectBlocks(store, ALL)
    dataDir = first
    const second = await crashCopy()
    await flipByte(second, 5 * BLOCK)
    await expectBlocks(await started(second), [0, 1, 2, 3, 4, 6, 7])
  })

  it('keeps the short last block out when the size was lost with it', async () => {
    const { store } = await filled()
    await store.stop()
    await truncate(join(dataDir, 'blocks', FILE), CONTENT.length - 1)
    await store.start()
    expect((await expectBlocks(store, ALL.slice(0, -1))).complete).toBe(false)
  })
})

describe('DiskBlockStore with damaged files', () => {
  it('forgets the blocks that a truncated file has lost', async () => {
    const { store } = await filled()
    await store.stop()
    await truncate(join(dataDir, 'blocks', FILE), 2 * BLOCK + 1)
    await store.start()
    const task = await expectBlocks(store, [0, 1])
    expect(task.complete).toBe(false)
    await task.close()
    expect(await store.list()).toMatchObject([{ storedBytes: 2 * BLOCK, complete: false }])
  })

  it('forgets a block whose bytes go while the task is open', async () => {
    const { store, task } = await filled()
    await truncate(join(dataDir, 'blocks', FILE), 2 * BLOCK)
    await expect(task.read(4)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(task.present.has(4)).toBe(false)
    expect(task.complete).toBe(false)
    expect((await task.read(1)).bytes).toEqual(BLOCKS[1]?.bytes)
    expect((await store.list())[0]?.complete).toBe(false)
  })

  it('forgets a task whose file is missing at the start', async () => {
    const { store } = await filled()
    await store.stop()
    await unlink(join(dataDir, 'blocks', FILE))
    await store.start()
    expect(await store.list()).toEqual([])
    expect((await store.open(TASK, SHAPE)).present.count).toBe(0)
  })

  it('takes a task whose file went missing while it was closed as having no blocks', async () => {
    const { store, task } = await filled()
    await task.close()
    await unlink(join(dataDir, 'blocks', FILE))
    const again = await expectBlocks(store, [])
    expect(again.complete).toBe(false)
    await writeAll(again, BLOCKS)
    await again.close()
    await expectBlocks(store, ALL)
  })

  it('deletes files without an index entry, and only files that it named', async () => {
    const { store } = await filled()
    await store.stop()
    await rm(join(dataDir, 'index'), { recursive: true })
    await writeFile(join(dataDir, 'blocks', 'notes.txt'), 'mine')
    await store.start()
    expect(await store.list()).toEqual([])
    expect(await readdir(join(dataDir, 'blocks'))).toEqual(['notes.txt'])
  })

  it.each([
    ['CURRENT', 'garbage'],
    ['MANIFEST', 'garbage'.repeat(100)],
    ['MANIFEST', undefined],
  ])('starts empty when %s of the index is damaged (%s)', async (prefix, content) => {
    const { store } = await filled()
    await store.stop()
    const names = (await readdir(join(dataDir, 'index'))).filter(name => name.startsWith(prefix))
    expect(names).not.toEqual([])
    for (const name of names) {
      const path = join(dataDir, 'index', name)
      await (content === undefined ? unlink(path) : writeFile(path, content))
    }
    await store.start()
    expect(await store.list()).toEqual([])
    expect(await readdir(join(dataDir, 'blocks'))).toEqual([])
  })
})

describe('DiskBlockStore and its directory', () => {
  it('names files by the task id alone and keeps everything private', async () => {
    await filled()
    expect(await readdir(join(dataDir, 'blocks'))).toEqual([FILE])
    for (const directory of ['', 'blocks', 'index']) {
      expect((await stat(join(dataDir, directory))).mode & 0o777).toBe(0o700)
    }
    expect((await stat(join(dataDir, 'blocks', FILE))).mode & 0o777).toBe(0o600)
  })

  it('tightens a directory that others can read', async () => {
    const { store } = await filled()
    await store.stop()
    await chmod(dataDir, 0o755)
    await chmod(join(dataDir, 'blocks'), 0o777)
    await store.start()
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await stat(join(dataDir, 'blocks'))).mode & 0o777).toBe(0o700)
  })

  it.each(['', 'blocks', 'index'])('refuses a symbolic link in the place of the directory "%s"', async name => {
    const { store } = await filled()
    await store.stop()
    const real = join(scratch.path, 'real')
    await cp(join(dataDir, name), real, { recursive: true })
    await rm(join(dataDir, name), { recursive: true })
    await symlink(real, join(dataDir, name))
    await expect(store.start()).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/symbolic link/),
    })
  })

  it('refuses a symbolic link in the place of a data file', async () => {
    const { store, task } = await filled()
    await task.close()
    const target = join(scratch.path, 'target')
    await writeFile(target, CONTENT)
    await unlink(join(dataDir, 'blocks', FILE))
    await symlink(target, join(dataDir, 'blocks', FILE))
    await expect(store.openExisting(TASK)).rejects.toMatchObject({
      code: 'STORE_FAILED',
      detail: expect.stringMatching(/symbolic link/),
    })
  })

  it('is refused to a second store while the first runs', async () => {
    const { store } = await filled()
    const second = newStore()
    const locked = { code: 'STORE_FAILED', detail: expect.stringMatching(/another process uses this data directory/) }
    await expect(second.start()).rejects.toMatchObject(locked)
    await expectBlocks(store, ALL)
    await store.stop()
    await second.start()
    await expectBlocks(second, ALL)
  })
})

describe('DiskBlockStore with a failing disk', () => {
  /** A file system whose operations fail as told. */
  function failing(fault: { write?: string; sync?: string; chunkBytes?: number }): OpenBlockFile {
    return async (path, mode) => {
      const file = await openBlockFile(path, mode)
      const failed = (code: string | undefined) => Object.assign(new Error(`${code}: fault`), { code })
      const write: BlockFile['write'] = async (bytes, position) => {
        if (fault.write !== undefined) throw failed(fault.write)
        return file.write(bytes.subarray(0, fault.chunkBytes ?? bytes.length), position)
      }
      const read: BlockFile['read'] = (into, position) =>
        file.read(into.subarray(0, fault.chunkBytes ?? into.length), position)
      const sync = async () => {
        if (fault.sync !== undefined) throw failed(fault.sync)
        await file.sync()
      }
      return { ...file, write, read, sync }
    }
  }

  it.each([
    ['ENOSPC', 'STORE_FULL'],
    ['EDQUOT', 'STORE_FULL'],
    ['EIO', 'STORE_FAILED'],
    ['EROFS', 'STORE_FAILED'],
  ])('turns %s into %s and does not mark the block present', async (errno, code) => {
    const fault: { write?: string } = { write: errno }
    const store = await started(dataDir, failing(fault))
    const task = await store.open(TASK, SHAPE)
    const writing = await Promise.allSettled(BLOCKS.map(block => writeAll(task, [block])))
    for (const { index } of BLOCKS) {
      const reason = { code, cause: { code: errno }, detail: expect.stringContaining(`writing block ${index}: `) }
      expect(writing[index]).toMatchObject({ status: 'rejected', reason })
    }
    expect(task.present.count).toBe(0)
    delete fault.write
    await writeAll(task, BLOCKS)
    await task.close()
    await expectBlocks(store, ALL)
  })

  it('finishes reads and writes that the system cuts short', async () => {
    const store = await started(dataDir, failing({ chunkBytes: 7 }))
    const task = await store.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    await expectBlocks(store, ALL)
  })

  it('does not call a stop clean when the bytes could not be put on the disk', async () => {
    const store = await started(dataDir, failing({ sync: 'EIO' }))
    await writeAll(await store.open(TASK, SHAPE), BLOCKS)
    await store.stop()
    await flipByte(dataDir, 0)
    await expectBlocks(await started(), ALL.slice(1))
  })
})
