import { expect, test } from 'vitest'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 6 * MIB + 12_345

async function expectOneCopy(cluster: TestCluster, nodes: readonly TestProgram[], blob: TestBlob, each: number) {
  const pulls = nodes.flatMap(node => Array.from({ length: each }, () => pullBlob(node, blob)))
  for (const pulled of await Promise.all(pulls)) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: blob.bytes.length })
  }
  expect(cluster.registry.stats.snapshot().blobs[blob.digest]).toMatchObject({
    requests: 1,
    bytesSent: blob.bytes.length,
  })
}

test('64 cold requests at one dfdaemon read the origin once', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)

  await expectOneCopy(cluster, [node], blob, 64)
  expect(await readMetric(supernode, 'damselfly_supernode_origin_bytes_total')).toBe(BLOB_BYTES)
  expect(await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')).toBe(BLOB_BYTES)
  expect(await readMetric(node, 'damselfly_peer_origin_bytes_total')).toBe(0)
  expect(await readMetric(node, 'damselfly_dfdaemon_blob_bytes_total')).toBe(64 * BLOB_BYTES)
})

test('64 cold requests at a dfdaemon without a supernode read the origin once', async () => {
  await using cluster = await startCluster()
  const node = await cluster.dfdaemon()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)

  await expectOneCopy(cluster, [node], blob, 64)
})

test('five dfdaemons with eight requests each read the origin once, and the supernode sends about one copy', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const nodes = await cluster.dfdaemons(5, { supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)

  await expectOneCopy(cluster, nodes, blob, 8)
  const uploaded = await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')
  expect(uploaded).toBeGreaterThanOrEqual(BLOB_BYTES)
  expect(uploaded).toBeLessThan(2 * BLOB_BYTES)
  const between = await Promise.all(nodes.map(node => readMetric(node, 'damselfly_peer_uploaded_bytes_total')))
  expect(between.reduce((sum, bytes) => sum + bytes, uploaded)).toBeGreaterThanOrEqual(5 * BLOB_BYTES)
})

test('several blobs at several dfdaemons each leave the origin once, and a warm pull asks nobody', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const nodes = await cluster.dfdaemons(3, { supernode: supernode.url })
  const sizes = [1, 256 * 1024, 256 * 1024 + 1, 3 * MIB]
  const blobs = await Promise.all(sizes.map((size, at) => seedBlob(cluster.registry, size, { seed: `blob ${at}` })))

  await Promise.all(blobs.map(blob => expectOneCopy(cluster, nodes, blob, 2)))
  const { requests } = cluster.registry.stats.snapshot()
  await Promise.all(blobs.map(blob => expectOneCopy(cluster, nodes, blob, 1)))
  expect(cluster.registry.stats.snapshot().requests).toBe(requests)
})
