import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask } from '../helpers/ask.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob } from '../helpers/pull.ts'
import { missingDiskRequirements } from '../helpers/requirements.ts'
import { createSmallDisk, type SmallDisk } from '../helpers/small-disk.ts'
import { dataFileOf, openFiles } from '../helpers/stored-files.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const DISK_BYTES = 16 * MIB
const PATIENCE_MS = 10_000
/** Enough to fill the piece of disk that the index has already. */
const REFUSED_TASKS = 40

describe.skipIf(missingDiskRequirements().length > 0)('a disk that takes nothing more', () => {
  let cluster: TestCluster
  let supernode: TestProgram

  beforeAll(async () => {
    cluster = await startCluster()
    supernode = await cluster.supernode()
  })

  afterAll(() => cluster[Symbol.asyncDispose]())

  const onDisk = (disk: SmallDisk) => ({ supernode: supernode.url, dataDir: join(disk.path, 'data') })

  const newBlob = (seed: string) => seedBlob(cluster.registry, MIB, { seed })

  async function expectRight(node: TestProgram, blob: TestBlob): Promise<void> {
    expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  }

  async function untilComplete(node: TestProgram, blob: TestBlob): Promise<void> {
    const complete = async () => {
      const tasks = JSON.parse((await ask(`${node.url}/api/v1/tasks`)).body.toString()) as {
        id: string
        state: string
      }[]
      return tasks.some(({ id, state }) => id === blob.digest && state === 'complete')
    }
    await waitFor(complete, { timeoutMs: PATIENCE_MS, what: 'the store to be complete' })
  }

  test('it is full: what is stored is given from it, what is not from the origin, and later it is used again', async () => {
    await using disk = await createSmallDisk(DISK_BYTES)
    const node = await cluster.dfdaemon(onDisk(disk))
    const [before, during, after] = [await newBlob('before'), await newBlob('during'), await newBlob('after')]
    await expectRight(node, before)
    await untilComplete(node, before)
    await disk.fill()
    await expectRight(node, before)
    await expectRight(node, during)
    const copies = (blob: TestBlob) => (cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent ?? 0) / MIB
    expect(copies(before)).toBe(1)
    expect(copies(during)).toBeGreaterThan(1)

    await disk.free()
    for (const blob of [during, after]) {
      await expectRight(node, blob)
      await untilComplete(node, blob)
    }
    expect(copies(after)).toBe(1)
    await node.stop()
  })

  test('it is full until the index takes nothing more: what is stored later is there after a restart', async () => {
    await using disk = await createSmallDisk(DISK_BYTES)
    const node = await cluster.dfdaemon(onDisk(disk))
    const before = await newBlob('before the index')
    await expectRight(node, before)
    await untilComplete(node, before)
    await disk.fill()
    for (let task = 0; task < REFUSED_TASKS; task++) {
      await expectRight(node, await seedBlob(cluster.registry, 1_000, { seed: `refused ${task}` }))
    }
    await disk.free()
    const after = await newBlob('after the index')
    await expectRight(node, after)
    await untilComplete(node, after)

    await node.stop()
    const restarted = await cluster.dfdaemon(onDisk(disk))
    for (const blob of [before, after]) await untilComplete(restarted, blob)
    await restarted.stop()
  })

  test('it is full when a dfdaemon starts: that says what to do', async () => {
    await using disk = await createSmallDisk(DISK_BYTES)
    const node = await cluster.dfdaemon(onDisk(disk))
    await node.stop()
    await disk.fill()
    await expect(cluster.dfdaemon(onDisk(disk))).rejects.toMatchObject({
      code: 'STORE_FULL',
      detail: expect.stringMatching(/free space on the disk/),
    })
  })

  test('it becomes read-only: pulls give the right bytes from the origin', async () => {
    await using disk = await createSmallDisk(DISK_BYTES)
    const node = await cluster.dfdaemon({ dataDir: join(disk.path, 'data') })
    const [stored, other] = [await newBlob('stored'), await newBlob('other')]
    await expectRight(node, stored)
    const file = dataFileOf(node.dataDir, stored.digest)
    await waitFor(async () => !(await openFiles()).includes(file), {
      timeoutMs: PATIENCE_MS,
      what: 'the file to be closed',
    })
    await disk.freeze(join(node.dataDir, 'blocks'))
    await expectRight(node, other)
    await expectRight(node, stored)
    const head = await ask(`${node.url}/v2/${stored.repository}/blobs/${stored.digest}`, { method: 'HEAD' })
    expect([head.status, head.headers['content-length']]).toEqual([200, String(MIB)])
    await node.stop()
  })

  test('it is read-only when a dfdaemon starts: that says what to do', async () => {
    await using disk = await createSmallDisk(DISK_BYTES)
    const node = await cluster.dfdaemon(onDisk(disk))
    await node.stop()
    await disk.freeze(node.dataDir)
    await expect(cluster.dfdaemon(onDisk(disk))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      detail: expect.stringMatching(/mount the file system of the data directory writable/),
    })
  })
})
