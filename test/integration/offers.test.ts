import { expect, test } from 'vitest'
import { seedBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOBS = 4

test('what peers offer to a supernode that comes back does not keep it from making room for something new', async () => {
  await using cluster = await startCluster()
  // Room for what is offered, and for nothing besides.
  const settings = {
    'store.maxBytes': `${BLOBS}MiB`,
    'store.highWatermark': '100',
    'p2p.listen': '/ip4/127.0.0.1/tcp/0',
  }
  const first = await cluster.supernode(settings)
  const node = await cluster.dfdaemon({ supernode: first.url })
  for (let blob = 0; blob < BLOBS; blob++) {
    expect(await pullBlob(node, await seedBlob(cluster.registry, MIB, { seed: `${blob}` }))).toMatchObject({
      status: 200,
    })
  }
  await first.stop()

  const again = await cluster.supernode({ ...settings, dataDir: first.dataDir, 'http.listen': new URL(first.url).host })
  const offered = () => readMetric(again, 'damselfly_supernode_control_messages_total', { direction: 'received' })
  // Its hello, and an offer of each blob.
  const all = async () => (await offered()) > BLOBS
  await waitFor(all, { timeoutMs: 20_000, what: 'the offers of the node' })

  const other = await cluster.dfdaemon({ supernode: again.url })
  const blob = await seedBlob(cluster.registry, MIB, { seed: 'new' })
  expect(await pullBlob(other, blob)).toMatchObject({ status: 200, digest: blob.digest })
  expect((await onlyTask(other)).account).toMatchObject({ supernodeBytes: MIB, originBytes: 0 })
})

test('a node that offers what the supernode has not opened gives it to whoever wants it', async () => {
  await using cluster = await startCluster()
  const first = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: first.url })
  const blob = await seedBlob(cluster.registry, 2 * MIB)
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200 })
  await first.stop()

  const again = await cluster.supernode({ dataDir: first.dataDir, 'http.listen': new URL(first.url).host })
  const offered = () => readMetric(again, 'damselfly_supernode_control_messages_total', { direction: 'received' })
  await waitFor(async () => (await offered()) > 1, { timeoutMs: 20_000, what: 'the offer of the node' })
  const other = await cluster.dfdaemon({ supernode: again.url })
  expect(await pullBlob(other, blob)).toMatchObject({ status: 200, digest: blob.digest })
  expect((await onlyTask(other)).account).toMatchObject({ peerBytes: 2 * MIB, originBytes: 0 })
})
