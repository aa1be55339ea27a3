import { request } from 'undici'
import { describe, expect, test } from 'vitest'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { fetchParallel } from '../helpers/blob-fetches.ts'
import { onlyTask, startCluster, type TestProgram } from '../helpers/cluster.ts'
import { peakMemoryBytes } from '../helpers/peak-memory.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 5 * MIB + 345
const CHUNK_BYTES = 256 * 1024

const urlOf = (node: TestProgram, { repository, digest }: TestBlob) => `${node.url}/v2/${repository}/blobs/${digest}`

describe.for([
  ['without a supernode', false],
  ['with a supernode', true],
] as const)('open-ended ranges in parallel, each left after its chunk, %s', ([, withSupernode]) => {
  test.for([3, 16])('over %i connections, cold, while the blob is arriving, and warm', async connections => {
    await using cluster = await startCluster()
    const supernode = withSupernode ? await cluster.supernode() : undefined
    const node = await cluster.dfdaemon({ supernode: supernode?.url ?? '' })
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    const fetch = () => fetchParallel({ chunkBytes: CHUNK_BYTES, connections })(urlOf(node, blob), {})

    // The second client comes while the first is at it.
    const fetched = await Promise.all([fetch(), fetch()])
    for (const bytes of fetched) expect(bytes.equals(blob.bytes)).toBe(true)
    const complete = async () => (await onlyTask(node)).state === 'complete'
    await waitFor(complete, { timeoutMs: 10_000, what: 'the whole blob' })
    expect((await fetch()).equals(blob.bytes)).toBe(true)

    expect(cluster.registry.stats.snapshot().blobs[blob.digest]).toMatchObject({ requests: 1, bytesSent: BLOB_BYTES })
    if (supernode === undefined) return
    expect(await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')).toBe(BLOB_BYTES)
    expect(await readMetric(node, 'damselfly_peer_origin_bytes_total')).toBe(0)
  })
})

test('readers that ask for the rest and take little cost little memory, cold and warm', async () => {
  const readers = 16
  const sizeBytes = 16 * MIB
  await using cluster = await startCluster()
  const node = await cluster.dfdaemonProcess()
  const blob = await seedBlob(cluster.registry, sizeBytes)
  // What a single reader costs belongs to the program, not to those who come in crowds.
  const other = await seedBlob(cluster.registry, sizeBytes, { seed: 'other' })
  expect(await pullBlob(node, other)).toMatchObject({ digest: other.digest })
  const before = await peakMemoryBytes(node.process.pid)

  for (const _ of ['cold', 'warm']) {
    const open = await Promise.all(
      Array.from({ length: readers }, async (_, index) => {
        const start = index * 1_000
        const { statusCode, body } = await request(urlOf(node, blob), { headers: { range: `bytes=${start}-` } })
        expect(statusCode).toBe(206)
        const first: Buffer = (await body[Symbol.asyncIterator]().next()).value
        expect(first.equals(blob.bytes.subarray(start, start + first.length))).toBe(true)
        return body
      }),
    )
    // Those that stand still hold up nobody.
    expect(await pullBlob(node, blob)).toMatchObject({ digest: blob.digest })
    for (const body of open) body.destroy()
  }
  const growth = (await peakMemoryBytes(node.process.pid)) - before
  expect(growth / MIB).toBeLessThan(96)
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]?.bytesSent).toBe(sizeBytes)
})
