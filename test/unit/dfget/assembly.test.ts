import { beforeEach, describe, expect, test } from 'vitest'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import { Assembly } from '../../../dfget/peer/task/assembly.ts'
import { Readers } from '../../../dfget/peer/task/readers.ts'
import { assembledContent } from '../../../dfget/peer/task/task-content.ts'
import { ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import type { TaskBlocks } from '../../../lib/blocks/block-store.ts'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import { createInlineHasher } from '../../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { blocksOf, contentOf, taskOf } from '../../helpers/content-blocks.ts'
import { type FakeOrigin, fakeOrigin, readsOf } from '../../helpers/fake-origin.ts'
import { createManualClock, type ManualClock } from '../../helpers/manual-clock.ts'
import { readAll } from '../../helpers/origin-content.ts'
import { quotaOfBytes } from '../../helpers/store-quota-contract.ts'
import { waitFor } from '../../helpers/wait.ts'

const BLOCK = 16
const CONTENT = contentOf(5 * BLOCK + 3)
const BLOCKS = blocksOf(CONTENT, BLOCK)
const TASK = taskOf(CONTENT)
const NEVER = new AbortController().signal

let store: MemoryBlockStore
let stored: number[]
let lost: number[]
let origin: FakeOrigin
let readers: Readers
let clock: ManualClock

beforeEach(async () => {
  store = new MemoryBlockStore()
  await store.start()
  stored = []
  lost = []
  origin = fakeOrigin(CONTENT)
  readers = new Readers()
  clock = createManualClock()
  return () => store.stop()
})

async function assemble(sizeBytes: number | undefined = CONTENT.length, given?: TaskBlocks): Promise<Assembly> {
  const blocks = given ?? (await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes }))
  const listener = { stored: (block: number) => stored.push(block), lost: (blocks: number[]) => lost.push(...blocks) }
  return new Assembly(blocks, listener, createInlineHasher())
}

const digests = (blocks = BLOCKS) => Buffer.concat(blocks.map(({ digest }) => digest))

const bytesOf = (block: number) => BLOCKS[block]?.bytes ?? new Uint8Array()

function contentIn(assembly: Assembly, since = 0) {
  const source = { url: 'http://origin.example/x', headers: {} }
  const components = { source, resume: readsOf(origin), clock, logger: silentLogger(), contentType: undefined }
  return assembledContent(components, { assembly, readers, since })
}

function read(assembly: Assembly, start = 0, end?: number, signal = NEVER): Promise<Buffer> {
  return readAll(contentIn(assembly).read({ start, end }, { signal }))
}

async function acceptAll(assembly: Assembly, order: readonly number[], sender: 'peer' | 'origin' = 'peer') {
  for (const block of order) await assembly.accept(block, ownBuffer(bytesOf(block)), sender)
}

describe('an assembly', () => {
  test.for([[[0, 1, 2, 3, 4, 5]], [[5, 4, 3, 2, 1, 0]], [[3, 0, 5, 1, 4, 2]]])(
    'comes together in the order %j, for readers too',
    async ([order]) => {
      const assembly = await assemble()
      await assembly.extendMap(0, digests())
      const reads = [read(assembly), read(assembly, 20, 70), read(assembly, CONTENT.length - 1), read(assembly, 16, 32)]
      await acceptAll(assembly, order ?? [])
      await assembly.done
      const [whole, middle, last, block] = await Promise.all(reads)
      expect(whole?.equals(CONTENT)).toBe(true)
      expect(middle?.equals(CONTENT.subarray(20, 70))).toBe(true)
      expect(last?.equals(CONTENT.subarray(-1))).toBe(true)
      expect(block?.equals(CONTENT.subarray(16, 32))).toBe(true)
      expect(assembly.complete).toBe(true)
      expect([...stored].sort()).toEqual([0, 1, 2, 3, 4, 5])
      expect(assembly.account).toEqual({ ...emptyAccount(), peerBytes: CONTENT.length })
      expect(origin.opened).toEqual([])
      expect(readers.count).toBe(0)
    },
  )

  test('of unknown size ends where it is told', async () => {
    const assembly = await assemble(undefined)
    const whole = read(assembly)
    await acceptAll(assembly, [0, 1, 2, 3, 4], 'origin')
    await assembly.setSize(CONTENT.length)
    await acceptAll(assembly, [5], 'origin')
    await assembly.done
    expect((await whole).equals(CONTENT)).toBe(true)
  })

  test('of unknown size may end at a full block', async () => {
    const even = CONTENT.subarray(0, 2 * BLOCK)
    const blocks = await store.open(taskOf(even), { blockSizeBytes: BLOCK, sizeBytes: undefined })
    const assembly = await assemble(undefined, blocks)
    const whole = read(assembly)
    await acceptAll(assembly, [0, 1], 'origin')
    await assembly.setSize(even.length)
    await assembly.done
    expect((await whole).equals(even)).toBe(true)
  })

  test('of nothing is complete at once', async () => {
    const nothing = new Uint8Array()
    const blocks = await store.open(taskOf(nothing), { blockSizeBytes: BLOCK, sizeBytes: 0 })
    const assembly = await assemble(0, blocks)
    await assembly.done
    expect((await read(assembly)).length).toBe(0)
  })

  test('takes nothing from a peer that does not match the map', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests(BLOCKS.slice(0, 2)))
    const CORRUPT = { code: 'BLOCK_CORRUPT' }
    await expect(assembly.accept(0, ownBuffer(bytesOf(1)), 'peer')).rejects.toMatchObject(CORRUPT)
    await expect(assembly.accept(1, ownBuffer(bytesOf(1).subarray(1)), 'supernode')).rejects.toMatchObject(CORRUPT)
    // Nothing is known of this block yet.
    await expect(assembly.accept(2, ownBuffer(bytesOf(2)), 'peer')).rejects.toMatchObject(CORRUPT)
    await assembly.accept(2, ownBuffer(bytesOf(2)), 'origin')
    expect(assembly.failure).toBeUndefined()
    expect(stored).toEqual([2])
    expect(assembly.account).toMatchObject({ peerBytes: 0, supernodeBytes: 0, originBytes: BLOCK })
  })

  test('drops stored blocks that a newer map contradicts', async () => {
    const assembly = await assemble()
    await assembly.accept(0, ownBuffer(bytesOf(1)), 'origin')
    await assembly.accept(1, ownBuffer(bytesOf(1)), 'origin')
    await assembly.extendMap(0, digests(BLOCKS.slice(0, 2)))
    expect(lost).toEqual([0])
    expect([assembly.has(0), assembly.has(1)]).toEqual([false, true])
    await expect(assembly.extendMap(4, digests(BLOCKS.slice(4)))).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
  })

  test('takes a block once', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests())
    await Promise.all([acceptAll(assembly, [2]), acceptAll(assembly, [2])])
    await acceptAll(assembly, [2])
    expect(stored).toEqual([2])
    expect(assembly.account.peerBytes).toBe(BLOCK)
  })

  test('begins with what is stored', async () => {
    const before = await assemble()
    await before.extendMap(0, digests())
    await acceptAll(before, [0, 1, 5])
    const assembly = await assemble()
    expect(assembly.account.diskBytes).toBe(2 * BLOCK + 3)
    await assembly.extendMap(0, digests())
    await acceptAll(assembly, [2, 3, 4])
    await assembly.done
    expect((await read(assembly)).equals(CONTENT)).toBe(true)
  })

  test('is read many blocks at a time once it is complete, and each is booked to whoever sent it', async () => {
    const blocks = await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length })
    const assembly = await assemble(undefined, blocks)
    await assembly.extendMap(0, digests())
    await acceptAll(assembly, [0, 3])
    const since = assembly.arrivals.mark
    await acceptAll(assembly, [1, 4], 'peer')
    await acceptAll(assembly, [2, 5], 'origin')
    await assembly.done
    const account = emptyAccount()
    const pieces: number[] = []
    for await (const piece of contentIn(assembly, since).read(
      { start: 5, end: 4 * BLOCK + 1 },
      { signal: NEVER, account },
    )) {
      expect(piece).toEqual(CONTENT.subarray(5, 4 * BLOCK + 1))
      pieces.push(piece.length)
    }
    expect(pieces).toEqual([4 * BLOCK - 4])
    expect(account).toMatchObject({ diskBytes: 2 * BLOCK - 5, peerBytes: BLOCK + 1, originBytes: BLOCK })
    expect(origin.opened).toEqual([])
  })

  test('throws everything away when the whole has another digest, and sends nobody its end', async () => {
    const wrong = blocksOf(contentOf(CONTENT.length, 1), BLOCK)
    const assembly = await assemble()
    const sent: Uint8Array[] = []
    const whole = (async () => {
      const pieces = contentIn(assembly).read({ start: 0 }, { signal: NEVER })
      for await (const piece of pieces) sent.push(piece)
    })()
    whole.catch(() => {})
    for (const { index, bytes } of wrong) await assembly.accept(index, ownBuffer(bytes), 'origin')
    await expect(assembly.done).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
    await expect(whole).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
    expect(Buffer.concat(sent).length).toBeLessThan(CONTENT.length)
    expect(origin.opened).toEqual([])
    const nothingKept = async () => (await store.list())[0]?.storedBytes === 0
    await waitFor(nothingKept, { timeoutMs: 5_000, what: 'the blocks to go' })
    expect(assembly.complete).toBe(false)
  })

  test('whoever opens content anew as soon as it was found wrong finds nothing of it', async () => {
    const assembly = await assemble()
    for (const { index, bytes } of blocksOf(contentOf(CONTENT.length, 1), BLOCK)) {
      await assembly.accept(index, ownBuffer(bytes), 'origin')
    }
    await expect(assembly.done).rejects.toMatchObject({ code: 'CONTENT_CORRUPT' })
    const again = await assemble()
    expect([...again.present]).toEqual([])
    for (const { index, bytes } of BLOCKS) await again.accept(index, ownBuffer(bytes), 'origin')
    await again.done
    expect((await read(again)).equals(CONTENT)).toBe(true)
    expect(origin.opened).toEqual([])
  })

  test('a block that comes to the store after the whole was found wrong does not stay there', async () => {
    const blocks = await store.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: CONTENT.length })
    const begun = Promise.withResolvers<void>()
    const mayWrite = Promise.withResolvers<void>()
    const write = blocks.write.bind(blocks)
    blocks.write = async (...block) => {
      begun.resolve()
      await mayWrite.promise
      await write(...block)
    }
    const assembly = await assemble(CONTENT.length, blocks)
    const accepted = assembly.accept(1, ownBuffer(bytesOf(1)), 'origin')
    await begun.promise
    await assembly.discard('told so')
    mayWrite.resolve()
    await accepted
    expect([...blocks.present]).toEqual([])
    expect(stored).toEqual([])
  })

  test('content of one block that has another digest is not sent at all, but read from the origin', async () => {
    const small = CONTENT.subarray(0, 5)
    origin = fakeOrigin(small)
    const blocks = await store.open(taskOf(small), { blockSizeBytes: BLOCK, sizeBytes: 5 })
    const assembly = await assemble(5, blocks)
    const whole = read(assembly)
    await assembly.accept(0, ownBuffer(new Uint8Array(5)), 'origin')
    expect((await whole).equals(small)).toBe(true)
  })

  test('that fails leaves its readers to the origin, each where it is', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests())
    const reads = [read(assembly), read(assembly, 50, 60)]
    await acceptAll(assembly, [0, 1])
    assembly.fail(new Error('no more'))
    const [whole, part] = await Promise.all(reads)
    expect(whole?.equals(CONTENT)).toBe(true)
    expect(part?.equals(CONTENT.subarray(50, 60))).toBe(true)
    expect([...origin.opened].sort()).toEqual([32, 50])
    await expect(assembly.done).rejects.toThrow('no more')
  })

  test('whose block is late leaves the reader that waits for it to the origin, and nobody else', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests())
    const [tail, whole] = [read(assembly, 50, 60), read(assembly)]
    await acceptAll(assembly, [0, 1])
    await waitFor(() => readers.heads().includes(2), { timeoutMs: 5_000, what: 'the reader to get on' })
    clock.advance(15_000)
    await acceptAll(assembly, [2])
    await waitFor(() => readers.count === 2 && !readers.heads().includes(2), {
      timeoutMs: 5_000,
      what: 'the next block',
    })
    clock.advance(5_000)
    expect((await tail).equals(CONTENT.subarray(50, 60))).toBe(true)
    expect(origin.opened).toEqual([50])
    await acceptAll(assembly, [3, 4, 5])
    expect((await whole).equals(CONTENT)).toBe(true)
    expect(origin.opened).toEqual([50])
  })

  test('whose store is full fails, and its readers go on', async () => {
    const full = new MemoryBlockStore({}, { quota: quotaOfBytes(2 * BLOCK) })
    await full.start()
    const assembly = await assemble(undefined, await full.open(TASK, { blockSizeBytes: BLOCK, sizeBytes: undefined }))
    const whole = read(assembly)
    await acceptAll(assembly, [0, 1], 'origin')
    await expect(acceptAll(assembly, [2], 'origin')).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect((await whole).equals(CONTENT)).toBe(true)
    await full.stop()
  })

  test('a reader that hangs up gets its own reason, and nobody else anything of it', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests())
    const hangUp = new AbortController()
    const gone = read(assembly, 0, undefined, hangUp.signal)
    const stays = read(assembly)
    hangUp.abort(new Error('hung up'))
    await expect(gone).rejects.toThrow('hung up')
    await acceptAll(assembly, [0, 1, 2, 3, 4, 5])
    expect((await stays).equals(CONTENT)).toBe(true)
  })
})

describe('readers', () => {
  test('the lowest missing head is that of whoever waits furthest back', async () => {
    const assembly = await assemble()
    await assembly.extendMap(0, digests())
    expect(readers.lowestMissing(assembly)).toBeUndefined()
    const [first, second] = [readers.add(1), readers.add(4)]
    readers.add(4)
    expect(readers.heads()).toEqual([1, 4])
    expect(readers.lowestMissing(assembly)).toBe(1)
    await acceptAll(assembly, [1])
    expect(readers.lowestMissing(assembly)).toBe(4)
    first.head = 2
    expect(readers.lowestMissing(assembly)).toBe(2)
    first.release()
    second.release()
    second.release()
    expect(readers.count).toBe(1)
    expect(readers.lowestMissing(assembly)).toBe(4)
  })
})
