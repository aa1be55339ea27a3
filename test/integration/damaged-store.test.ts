import { cp, readdir, readFile, rm, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { createScratchDirectory } from '../helpers/scratch-directory.ts'
import { dataFileOf, flipByte, openFiles } from '../helpers/stored-files.ts'
import { waitFor } from '../helpers/wait.ts'

const BLOCK_BYTES = 256 * 1024
const BLOB_BYTES = 5 * BLOCK_BYTES + 1_234
const PATIENCE_MS = 10_000

let cluster: TestCluster
let supernode: TestProgram
let blobs = 0

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
})

afterAll(() => cluster[Symbol.asyncDispose]())

/** A blob that a node has pulled, and the file in which it lies. */
interface Stored {
  readonly node: TestProgram
  readonly blob: TestBlob
  readonly file: string
}

async function pulledOnce(settings = { supernode: supernode.url }): Promise<Stored> {
  const node = await cluster.dfdaemon(settings)
  const blob = await seedBlob(cluster.registry, BLOB_BYTES, { seed: `blob ${blobs++}` })
  const stored = { node, blob, file: dataFileOf(node.dataDir, blob.digest) }
  await expectPulled(stored)
  return stored
}

/** The same blob at a new node on the data directory of the stopped one, or on a copy of it. */
async function restart(stored: Stored, dataDir = stored.node.dataDir): Promise<Stored> {
  const node = await cluster.dfdaemon({ supernode: supernode.url, dataDir })
  return { ...stored, node, file: dataFileOf(dataDir, stored.blob.digest) }
}

async function expectRight({ node, blob }: Stored): Promise<void> {
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: BLOB_BYTES })
}

/** A pull gives the right bytes, and they lie on the disk afterwards. */
async function expectPulled(stored: Stored): Promise<void> {
  await expectRight(stored)
  await waitFor(async () => (await onlyTask(stored.node)).state === 'complete', { timeoutMs: PATIENCE_MS })
  expect(Buffer.compare(await readFile(stored.file), stored.blob.bytes)).toBe(0)
}

async function untilOpen({ file }: Stored, expected: boolean): Promise<void> {
  await waitFor(async () => (await openFiles()).includes(file) === expected, {
    timeoutMs: PATIENCE_MS,
    what: `the data file to be ${expected ? 'open' : 'closed'}`,
  })
}

/** Writes something else into the files of a data directory whose path begins so. */
async function spoil(dataDir: string, directory: string, prefix: string): Promise<void> {
  const names = (await readdir(join(dataDir, directory))).filter(name => name.startsWith(prefix))
  expect(names).not.toEqual([])
  for (const name of names) await writeFile(join(dataDir, directory, name), 'garbage'.repeat(100))
}

const remove = (dataDir: string, directory: string) => rm(join(dataDir, directory), { recursive: true })

describe('between two runs of a dfdaemon', () => {
  test.for<[string, (dataDir: string, file: string) => Promise<void>]>([
    ['the data file is deleted', (_, file) => unlink(file)],
    ['the data file is cut short', (_, file) => truncate(file, 2 * BLOCK_BYTES + 1)],
    ['the data file is emptied', (_, file) => truncate(file)],
    ['all data files are deleted', dataDir => remove(dataDir, 'blocks')],
    ['the index is deleted', dataDir => remove(dataDir, 'index')],
    ['the index does not name its manifest any more', dataDir => spoil(dataDir, 'index', 'CURRENT')],
    ['the manifest of the index is spoilt', dataDir => spoil(dataDir, 'index', 'MANIFEST')],
    ['the log of the index is spoilt', dataDir => spoil(dataDir, 'index', '0')],
    ['the manifests are deleted', dataDir => remove(dataDir, 'manifests')],
    ['the database of manifests is spoilt', dataDir => spoil(dataDir, 'manifests', 'CURRENT')],
  ])('%s: a pull gives the right bytes, and the swarm mends the store', async ([, damage]) => {
    const stored = await pulledOnce()
    await stored.node.stop()
    await damage(stored.node.dataDir, stored.file)
    await expectPulled(await restart(stored))
    expect(cluster.registry.stats.snapshot().blobs[stored.blob.digest]?.bytesSent).toBe(BLOB_BYTES)
  })

  test.for<[string, (path: string) => Promise<void>]>([
    ['spoilt', path => writeFile(path, 'garbage'.repeat(100))],
    ['cut short', path => truncate(path, 10)],
    ['changed in one byte', path => flipByte(path, 20)],
  ])('a table of the index is %s: a pull gives the right bytes, and the swarm mends the store', async ([, damage]) => {
    const stored = await pulledOnce()
    const { dataDir } = stored.node
    // What the log of the index holds becomes a table at the next start.
    await stored.node.stop()
    await (await restart(stored)).node.stop()
    const tables = (await readdir(join(dataDir, 'index'))).filter(name => name.endsWith('.ldb'))
    expect(tables).not.toEqual([])
    for (const name of tables) await damage(join(dataDir, 'index', name))
    await expectPulled(await restart(stored))
  })

  test('the power fails and a block has other bytes: that block is fetched anew, and nothing else', async () => {
    const stored = await pulledOnce()
    await using copy = await createScratchDirectory()
    await cp(stored.node.dataDir, copy.path, { recursive: true, filter: path => !path.endsWith('.sock') })
    await stored.node.stop()
    await flipByte(dataFileOf(copy.path, stored.blob.digest), 3 * BLOCK_BYTES + 7)
    const restarted = await restart(stored, copy.path)
    await expectPulled(restarted)
    const { account } = await onlyTask(restarted.node)
    expect(account).toMatchObject({ diskBytes: BLOB_BYTES - BLOCK_BYTES, supernodeBytes: BLOCK_BYTES, originBytes: 0 })
    await restarted.node.stop()
  })
})

/** In a block that is neither the first nor the last. */
const FLIPPED = 3 * BLOCK_BYTES + 7

/** Pulls give the right bytes, and the block with the flipped byte was fetched anew, and nothing else of what is stored. */
async function expectMended(stored: Stored): Promise<void> {
  await expectRight(stored)
  await expectPulled(stored)
  const { peerBytes, supernodeBytes, originBytes } = (await onlyTask(stored.node)).account
  expect(peerBytes + supernodeBytes + originBytes).toBe(BLOCK_BYTES)
}

test('bytes of a data file change between two runs of a dfdaemon: their block is fetched anew', async () => {
  const stored = await pulledOnce()
  await stored.node.stop()
  await flipByte(stored.file, FLIPPED)
  await expectMended(await restart(stored))
})

test('bytes of a data file change before a neighbour asks for them: the neighbour is not sent them', async () => {
  const stored = await pulledOnce()
  await stored.node.stop()
  await flipByte(stored.file, FLIPPED)
  const holder = await restart(stored)
  await untilOpen(holder, true)
  const reports = () => readMetric(supernode, 'damselfly_supernode_peer_reports_total', { kind: 'corrupt' })
  const before = await reports()
  const neighbour = await cluster.dfdaemon({ supernode: supernode.url })
  await expectRight({ ...stored, node: neighbour })
  expect((await onlyTask(neighbour)).account.peerBytes).toBeGreaterThan(0)
  expect(await reports()).toBe(before)
})

describe.runIf(process.platform === 'linux')('while a dfdaemon runs', () => {
  const DAMAGE: readonly [string, (file: string) => Promise<void>][] = [
    ['deleted', unlink],
    ['cut short', file => truncate(file, 2 * BLOCK_BYTES + 1)],
    ['emptied', file => truncate(file)],
  ]

  test.for(DAMAGE)('a closed data file is %s: a pull gives the right bytes and mends the store', async ([, damage]) => {
    const stored = await pulledOnce({ supernode: '' })
    await untilOpen(stored, false)
    await damage(stored.file)
    await expectPulled(stored)
  })

  test.for(DAMAGE)(
    'an open data file is %s: pulls give the right bytes, now and after a restart',
    async ([, damage]) => {
      const before = await pulledOnce()
      await before.node.stop()
      const stored = await restart(before)
      // It looks into what it offers to the supernode.
      await untilOpen(stored, true)
      await damage(stored.file)
      await expectRight(stored)
      await stored.node.stop()
      await expectPulled(await restart(stored))
    },
  )

  test('bytes of a closed data file change: their block is fetched anew', async () => {
    const before = await pulledOnce()
    await before.node.stop()
    const stored = { ...before, node: await cluster.dfdaemon({ dataDir: before.node.dataDir }) }
    await flipByte(stored.file, FLIPPED)
    await expectRight(stored)
    await expectPulled(stored)
  })

  test('bytes of a closed data file change in the run in which they were written: their block is fetched anew', async () => {
    const stored = await pulledOnce({ supernode: '' })
    // What is closed is not in memory any more.
    await untilOpen(stored, false)
    await flipByte(stored.file, FLIPPED)
    await expectRight(stored)
    await expectPulled(stored)
  })

  test('bytes of an open data file change before they are read: their block is fetched anew', async () => {
    const before = await pulledOnce()
    await before.node.stop()
    const stored = await restart(before)
    await untilOpen(stored, true)
    await flipByte(stored.file, FLIPPED)
    await expectMended(stored)
  })
})
