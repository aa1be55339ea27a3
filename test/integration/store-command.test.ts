import { request } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createStoreCommand } from '../../dfdaemon/store/store-command.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { dataFileOf, flipByte } from '../helpers/stored-files.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 2 * MIB

let cluster: TestCluster

beforeEach(async () => {
  cluster = await startCluster()
})

afterEach(() => cluster[Symbol.asyncDispose]())

/** Runs `dfdaemon store …` against a node. @returns what it printed */
async function store(node: TestProgram, ...args: string[]): Promise<string> {
  let printed = ''
  const command = createStoreCommand({ stdout: { write: text => (printed += text) } })
  await command.parseAsync([...args, '--daemon', node.url], { from: 'user' })
  return printed
}

async function pulled(node: TestProgram, seed: string): Promise<TestBlob> {
  const blob = await seedBlob(cluster.registry, BLOB_BYTES, { seed })
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  return blob
}

async function stored(node: TestProgram): Promise<string[]> {
  const { tasks } = JSON.parse(await store(node, 'ls', '--json'))
  return tasks.map((task: { id: string }) => task.id)
}

test('shows, pins, deletes and verifies what is stored', async () => {
  const node = await cluster.dfdaemon()
  const [first, second] = [await pulled(node, 'first'), await pulled(node, 'second')]
  expect(await store(node, 'ls')).toMatch(/2 tasks, 4\.0 MiB stored, room for .* more\n$/)
  expect(await readMetric(node, 'damselfly_store_stored_bytes')).toBe(2 * BLOB_BYTES)
  expect(await readMetric(node, 'damselfly_store_pinned_bytes')).toBe(0)
  expect(await store(node, 'pin', first.digest)).toBe(`${first.digest}\n`)
  expect(await store(node, 'ls')).toMatch(new RegExp(`${first.digest} .* pinned`))
  expect(await readMetric(node, 'damselfly_store_pinned_bytes')).toBe(BLOB_BYTES)
  expect(await store(node, 'unpin', first.digest.slice(7, 15))).toBe(`${first.digest}\n`)
  expect(await store(node, 'ls')).not.toContain('pinned')
  expect(await store(node, 'verify')).toBe('2 verified, nothing wrong\n')
  expect(await store(node, 'rm', first.digest)).toBe(`${first.digest}\n`)
  await waitFor(async () => (await stored(node)).length === 1, { timeoutMs: 5_000, what: 'the deletion' })
  expect(await stored(node)).toEqual([second.digest])
  expect(await store(node, 'gc')).toBe('nothing to delete\n')
})

test('finds what is wrong, which the next pull mends', async () => {
  const node = await cluster.dfdaemon()
  const blob = await pulled(node, 'first')
  await flipByte(dataFileOf(node.dataDir, blob.digest), 300 * 1024)
  await expect(store(node, 'verify')).rejects.toMatchObject({
    code: 'CONTENT_CORRUPT',
    message: expect.stringContaining(`${blob.digest}: 1 blocks were wrong`),
  })
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  expect(await store(node, 'verify')).toBe('1 verified, nothing wrong\n')
})

test('a store with a quota keeps what was pulled last, and passes through what is too large for it', async () => {
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({
    supernode: supernode.url,
    'store.maxBytes': '5MiB',
    'store.highWatermark': '100',
  })
  const blobs: TestBlob[] = []
  for (const seed of ['first', 'second', 'third']) blobs.push(await pulled(node, seed))
  // What was read a moment ago is still open, and stays: the third had to wait for nothing and was not stored.
  expect(await stored(node)).toEqual(blobs.slice(0, 2).map(({ digest }) => digest))
  await store(node, 'rm', blobs[0]?.digest ?? '')
  await waitFor(async () => (await stored(node)).length === 1, { timeoutMs: 5_000, what: 'the deletion' })
  expect(await pulled(node, 'third')).toBeDefined()
  expect((await stored(node)).toSorted()).toEqual(
    blobs
      .slice(1)
      .map(({ digest }) => digest)
      .toSorted(),
  )
  const large = await seedBlob(cluster.registry, 6 * MIB, { seed: 'large' })
  expect(await pullBlob(node, large)).toMatchObject({ status: 200, digest: large.digest })
  expect(await stored(node)).not.toContain(large.digest)
})

test('says what to do about tasks that are not here, and about a dfdaemon that is not there', async () => {
  const node = await cluster.dfdaemon()
  await expect(store(node, 'rm', 'sha256:00')).rejects.toMatchObject({ code: 'TASK_UNKNOWN' })
  const unknown = `sha256:${'0'.repeat(64)}`
  const answer = await request(`${node.url}/api/v1/store/tasks/${unknown}/pin`, { method: 'PUT' })
  expect([answer.statusCode, await answer.body.json()]).toMatchObject([404, { code: 'TASK_UNKNOWN' }])
  await node.stop()
  await expect(store(node, 'ls')).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' })
})
