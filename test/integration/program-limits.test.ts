import { request } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BlockClient } from '../../dfget/peer/exchange/block-client.ts'
import { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import { systemClock } from '../../lib/clock.ts'
import { blockCountOf } from '../../protocol/block-map.ts'
import { seedBlob } from '../helpers/blob.ts'
import { downloadEndlessly, unlimited } from '../helpers/block-exchange.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { startRawPeer } from '../helpers/raw-peer.ts'
import { expectSteadyRate } from '../helpers/steady-rate.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 16 * MIB
const BLOCK_BYTES = 256 * 1024
const PATIENCE = { timeoutMs: 20_000 }
/** Rates are looked at for longer on a busy machine. */
const SLOW = { timeout: 60_000 }

let cluster: TestCluster

beforeEach(async () => {
  cluster = await startCluster({}, { checkedFirstBytes: '0' })
})

afterEach(() => cluster[Symbol.asyncDispose]())

/** Changes limits of a running program. */
async function change(program: { readonly url: string }, limits: Record<string, number>): Promise<unknown> {
  const init = { method: 'PUT', body: JSON.stringify(limits), headers: { 'content-type': 'application/json' } } as const
  return (await request(`${program.url}/api/v1/limits`, init)).body.json()
}

/** Pulls a blob again and again under other names, so that it comes from its origin or the swarm each time. */
function pullEndlessly(node: { readonly url: string }, sizeBytes: number) {
  const end = new AbortController()
  let before = 0
  let bytes = 0
  const done = (async () => {
    for (let seed = 0; !end.signal.aborted; seed++) {
      const blob = await seedBlob(cluster.registry, sizeBytes, { seed: `${seed}` })
      await pullBlob(node, blob, { signal: end.signal, onBytes: size => (bytes = before + size) })
      before = bytes
    }
  })().catch(error => {
    if (!end.signal.aborted) throw error
  })
  return {
    bytes: () => bytes,
    async [Symbol.asyncDispose]() {
      end.abort()
      await done
    },
  }
}

test('a supernode keeps to its egress limit, also to one that is changed while it runs', SLOW, async () => {
  const supernode = await cluster.supernode({ 'limits.egress': '3MiB' })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  await using peer = await startRawPeer()
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  const { taskId: task, ticket, supernode: address } = await peer.register(supernode, url, blob.digest)
  const isComplete = async () => {
    const answer = await request(`${supernode.url}/api/v1/tasks/${task}`)
    return ((await answer.body.json()) as { state: string }).state === 'complete'
  }
  await waitFor(isComplete, PATIENCE)

  const limits = unlimited().downloads
  let bytes = 0
  limits.gate = () => ({
    open: false,
    async take(dataBytes) {
      bytes += dataBytes
      return dataBytes
    },
  })
  const client = new BlockClient({ node: peer.node, clock: systemClock, buffers: new BlockBuffers(), limits }, address)
  await using download = downloadEndlessly(client, { task, ticket, blockCount: blockCountOf(BLOB_BYTES, BLOCK_BYTES) })
  await waitFor(() => download.bytes > 0, PATIENCE)
  const slack = { slackBytes: MIB }
  await expectSteadyRate(3 * MIB, () => bytes, slack)
  expect(await change(supernode, { egress: 5 * MIB })).toEqual({ egress: 5 * MIB, concurrentUploads: 32 })
  await expectSteadyRate(5 * MIB, () => bytes, slack)
  expect(await readMetric(supernode, 'damselfly_supernode_throttled_seconds_total')).toBeGreaterThan(0)
})

test(
  'a dfdaemon keeps to its download limit, also to one that is changed while it runs, when it reads the origin',
  SLOW,
  async () => {
    const node = await cluster.dfdaemon({ 'limits.download': '6MiB' })
    await using pull = pullEndlessly(node, 64 * MIB)
    await waitFor(() => pull.bytes() > 0, PATIENCE)
    // The count grows by blocks of 256 KiB.
    const watch = { slackBytes: 2 * MIB, windowMs: 2_500 }
    await expectSteadyRate(6 * MIB, pull.bytes, watch)
    await change(node, { download: 0, perTask: 8 * MIB })
    await expectSteadyRate(8 * MIB, pull.bytes, watch)
    const throttled = 'damselfly_peer_throttled_seconds_total'
    expect(await readMetric(node, throttled, { direction: 'download' })).toBeGreaterThan(0)
    expect(await readMetric(node, throttled, { direction: 'upload' })).toBe(0)
  },
)

test('a dfdaemon keeps to its limit for each task when it reads the swarm, and what it pulls is right', async () => {
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemon({ supernode: supernode.url, 'limits.perTask': '12MiB' })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  const startedAt = performance.now()
  const { digest } = await pullBlob(node, blob)
  const elapsedMs = performance.now() - startedAt
  expect(digest).toBe(blob.digest)
  // What passes at once does not take its time.
  expect(elapsedMs).toBeGreaterThan((BLOB_BYTES / (12 * MIB)) * 1000 - 120)
  expect(await readMetric(node, 'damselfly_peer_throttled_seconds_total', { direction: 'download' })).toBeGreaterThan(0)
})
