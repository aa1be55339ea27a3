import { expect, test } from 'vitest'
import { seedBlob } from '../helpers/blob.ts'
import { startCluster } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'

const MIB = 1024 * 1024
const CLIENTS = 16

test(`${CLIENTS} clients of one blob share one download, and one stored copy`, async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, 12 * MIB)
  const pullAll = () => Promise.all(Array.from({ length: CLIENTS }, () => pullBlob(node, blob)))
  for (const pulled of [...(await pullAll()), ...(await pullAll())]) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: 12 * MIB })
  }
  expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(12 * MIB)
  expect(await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')).toBe(12 * MIB)
})
