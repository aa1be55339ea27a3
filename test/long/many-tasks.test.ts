import { expect, test } from 'vitest'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProcess } from '../helpers/cluster.ts'
import { type HeapReport, heapOf, MEASURED } from '../helpers/measured-process.ts'
import { pullBlob } from '../helpers/pull.ts'
import { openFiles } from '../helpers/stored-files.ts'
import { waitFor } from '../helpers/wait.ts'

/** Until code is compiled, and what is remembered of pulls is what it will be: a dfdaemon remembers 2,000. */
const WARM_UP = 2_000
const TASKS = 1_000
const AT_ONCE = 8
const BLOB_BYTES = 4_000
/** Longer than what nobody asks for stays open. */
const PATIENCE_MS = 60_000
/** What a heap that does not grow is larger or smaller by, from one look to the next. */
const HEAP_NOISE_BYTES = 2 * 1024 * 1024
const FILES_NOISE = 10
/** What a supernode remembers of a task that nobody pulls: which nodes could give it to others. */
const KNOWN_TASK_BYTES = 5 * 1024

interface Measured extends Pick<HeapReport, 'heapBytes' | 'externalBytes'> {
  readonly openFiles: number
}

test(`${TASKS} tasks leave nothing behind in memory but who holds them, and no file open`, async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernodeProcess({}, MEASURED)
  const dfdaemon = await cluster.dfdaemonProcess({ supernode: supernode.url }, MEASURED)

  await pullMany(cluster, [supernode, dfdaemon], { from: 0, to: WARM_UP })
  const before = { dfdaemon: await measure(dfdaemon), supernode: await measure(supernode) }
  await pullMany(cluster, [supernode, dfdaemon], { from: WARM_UP, to: WARM_UP + TASKS })
  const growth = {
    dfdaemon: difference(before.dfdaemon, await measure(dfdaemon)),
    supernode: difference(before.supernode, await measure(supernode)),
  }

  process.stdout.write(`growth over ${TASKS} tasks: ${JSON.stringify(growth)}\n`)
  expectNone(growth.dfdaemon)
  const { heapBytes } = growth.supernode
  expectNone({ ...growth.supernode, heapBytes: heapBytes - TASKS * KNOWN_TASK_BYTES })
})

/** Pulls blobs of their own through the second program and waits until both have closed their files. */
async function pullMany(
  { registry }: TestCluster,
  [supernode, node]: readonly [TestProcess, TestProcess],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  let next = from
  const pull = async () => {
    while (next < to) {
      const blob = await seedBlob(registry, BLOB_BYTES, { seed: `task ${next++}` })
      expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, pull))
  for (const { process } of [supernode, node]) {
    const dataFiles = async () => (await openFiles(process.pid)).filter(path => path.includes('/blocks/'))
    await waitFor(async () => (await dataFiles()).length === 0, {
      timeoutMs: PATIENCE_MS,
      what: 'the files to be closed',
    })
  }
}

async function measure(program: TestProcess): Promise<Measured> {
  const { heapBytes, externalBytes } = await heapOf(program.process)
  return { heapBytes, externalBytes, openFiles: (await openFiles(program.process.pid)).length }
}

function difference(before: Measured, after: Measured): Measured {
  return {
    heapBytes: after.heapBytes - before.heapBytes,
    externalBytes: after.externalBytes - before.externalBytes,
    openFiles: after.openFiles - before.openFiles,
  }
}

function expectNone(growth: Measured): void {
  expect(growth.heapBytes).toBeLessThan(HEAP_NOISE_BYTES)
  expect(growth.externalBytes).toBeLessThan(HEAP_NOISE_BYTES)
  expect(growth.openFiles).toBeLessThan(FILES_NOISE)
}
