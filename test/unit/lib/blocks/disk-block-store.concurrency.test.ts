import { cp } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OpenBlockFile, openBlockFile } from '../../../../lib/blocks/block-file.ts'
import { DiskBlockStore } from '../../../../lib/blocks/disk-block-store.ts'
import { silentLogger } from '../../../../lib/logger.ts'
import { writeAll } from '../../../helpers/block-store-contract.ts'
import { blocksOf, type ContentBlock, contentOf, taskOf } from '../../../helpers/content-blocks.ts'
import { createScratchDirectory, type ScratchDirectory } from '../../../helpers/scratch-directory.ts'
import { waitFor } from '../../../helpers/wait.ts'

const BLOCK = 64
const CONTENT = contentOf(12 * BLOCK)
const BLOCKS = blocksOf(CONTENT, BLOCK)
const OTHER = blocksOf(contentOf(12 * BLOCK, 1), BLOCK)
const TASK = taskOf(CONTENT)
const SHAPE = { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length }

/** A file system that counts its calls and, once closed, holds those of one kind back until it is opened again. */
class Gate {
  opened = 0
  closed = 0
  readonly calls = { read: 0, write: 0 }
  readonly #waiting: (() => void)[] = []
  #shut: 'read' | 'write' | undefined

  readonly openFile: OpenBlockFile = async (path, mode) => {
    this.opened++
    const file = await openBlockFile(path, mode)
    return {
      ...file,
      write: async (bytes, position) => {
        await this.#pass('write')
        return file.write(bytes, position)
      },
      read: async (into, position) => {
        await this.#pass('read')
        return file.read(into, position)
      },
      close: async () => {
        this.closed++
        await file.close()
      },
    }
  }

  shut(kind: 'read' | 'write'): void {
    this.#shut = kind
  }

  open(): void {
    this.#shut = undefined
    for (const resume of this.#waiting.splice(0)) resume()
  }

  get waiting(): number {
    return this.#waiting.length
  }

  async #pass(kind: 'read' | 'write'): Promise<void> {
    this.calls[kind]++
    if (this.#shut === kind) await new Promise<void>(resume => this.#waiting.push(resume))
  }
}

describe('DiskBlockStore under simultaneous use', () => {
  let scratch: ScratchDirectory
  let gate: Gate
  let store: DiskBlockStore

  beforeEach(async () => {
    scratch = await createScratchDirectory()
    gate = new Gate()
    const init = { dataDir: scratch.path, recentBytes: 0 }
    store = new DiskBlockStore({ logger: silentLogger(), openFile: gate.openFile }, init)
    await store.start()
  })

  afterEach(async () => {
    gate.open()
    await store.stop()
    await scratch[Symbol.asyncDispose]()
  })

  function block(blocks: readonly ContentBlock[], index: number): ContentBlock {
    const found = blocks[index]
    if (found === undefined) throw new Error(`no block ${index}`)
    return found
  }

  it('opens the data file once for all openers and closes it once after the last', async () => {
    const tasks = await Promise.all(Array.from({ length: 8 }, () => store.open(TASK, SHAPE)))
    expect(gate.opened).toBe(1)
    await Promise.all(tasks.slice(1).map(task => task.close()))
    expect(gate.closed).toBe(0)
    await tasks[0]?.close()
    expect(gate.closed).toBe(1)
    const existing = await Promise.all([store.openExisting(TASK), store.openExisting(TASK), store.open(TASK, SHAPE)])
    expect(gate.opened).toBe(2)
    await Promise.all(existing.map(task => task?.close()))
    expect(gate.closed).toBe(2)
  })

  it('writes one block after the other and marks none before its bytes are written', async () => {
    const task = await store.open(TASK, SHAPE)
    gate.shut('write')
    const writing = writeAll(task, BLOCKS)
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    expect(task.present.count).toBe(0)
    gate.open()
    await writing
    expect(task.present.count).toBe(BLOCKS.length)
  })

  it('writes a block once for all who write it at the same time', async () => {
    const task = await store.open(TASK, SHAPE)
    await Promise.all([writeAll(task, BLOCKS), writeAll(task, BLOCKS), writeAll(task, BLOCKS)])
    expect(gate.calls.write).toBe(BLOCKS.length)
  })

  it('closes the file only after the writes under way', async () => {
    const task = await store.open(TASK, SHAPE)
    gate.shut('write')
    const writing = writeAll(task, BLOCKS)
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    const closing = task.close()
    const stopping = store.stop()
    expect(gate.closed).toBe(0)
    gate.open()
    await Promise.all([writing, closing, stopping])
    // Once by the task, once by the stop, which puts the bytes on the disk.
    expect(gate.closed).toBe(2)
    await store.start()
    expect(await store.list()).toMatchObject([{ storedBytes: CONTENT.length }])
  })

  it('does not give a reader a block that was replaced while it read', async () => {
    const task = await store.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    gate.shut('read')
    const reading = task.read(1)
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    await task.drop(1)
    await writeAll(task, [block(OTHER, 1)])
    gate.open()
    await expect(reading).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect((await task.read(1)).bytes).toEqual(block(OTHER, 1).bytes)
  })

  it('reads a block once for all who want it at the same time', async () => {
    const task = await store.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    const before = gate.calls.read
    gate.shut('read')
    const loading = [task.block(1), task.block(1), task.block(1)]
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    gate.open()
    for (const loaded of await Promise.all(loading)) expect(loaded.bytes).toEqual(block(BLOCKS, 1).bytes)
    expect(gate.calls.read).toBe(before + 1)
  })

  it('goes through the file once for 16 readers, some of them a few blocks behind', async () => {
    await using own = await createScratchDirectory()
    const dataDir = own.path
    const small = new DiskBlockStore(
      { logger: silentLogger(), openFile: gate.openFile },
      { dataDir, recentBytes: 8 * BLOCK },
    )
    await small.start()
    const task = await small.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    const before = gate.calls.read
    const readers = Array.from({ length: 16 }, (_, at) => at % 4)
    for (let step = 0; step < BLOCKS.length + 3; step++) {
      const wanted = readers.map(behind => BLOCKS[step - behind]).filter(found => found !== undefined)
      for (const { index, bytes } of wanted) {
        const held = await task.block(index)
        expect(held.bytes).toEqual(bytes)
        held.release()
      }
    }
    expect(gate.calls.read - before).toBeLessThanOrEqual(BLOCKS.length)
    await small.stop()
  })

  it('does not give a block that was dropped while it was read', async () => {
    const task = await store.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    gate.shut('read')
    const loading = task.block(1)
    const refused = expect(loading).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    await task.drop(1)
    await writeAll(task, [block(OTHER, 1)])
    gate.open()
    await refused
    expect((await task.block(1)).bytes).toEqual(block(OTHER, 1).bytes)
  })

  it('drops a block that is being written after it was written', async () => {
    const task = await store.open(TASK, SHAPE)
    gate.shut('write')
    const writing = writeAll(task, [block(BLOCKS, 0)])
    await waitFor(() => gate.waiting === 1, { timeoutMs: 5_000 })
    const dropping = task.drop(0)
    gate.open()
    await Promise.all([writing, dropping])
    expect(task.present.has(0)).toBe(false)
  })

  it('ends the hashing of a task when it is stopped', async () => {
    const task = await store.open(TASK, SHAPE)
    await writeAll(task, BLOCKS)
    await using copy = await createScratchDirectory()
    await cp(scratch.path, copy.path, { recursive: true })
    const second = new DiskBlockStore({ logger: silentLogger(), openFile: gate.openFile }, { dataDir: copy.path })
    await second.start()
    gate.shut('read')
    const opening = second.openExisting(TASK)
    const refused = expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await waitFor(() => gate.waiting > 0, { timeoutMs: 5_000 })
    const stopping = second.stop()
    gate.open()
    await refused
    await stopping
  })
})
