import { expect, test } from 'vitest'
import type { Digest } from '../../protocol/digest.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { onlyTask, startCluster, type TestCluster, type TestProgram, tasksOf } from '../helpers/cluster.ts'
import { type Pulled, pullBlob, readMetric } from '../helpers/pull.ts'
import { openFiles } from '../helpers/stored-files.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const BLOB_BYTES = 6 * MIB
/** Longer than any of these takes, shorter than a client's patience of 30 s. */
const PATIENCE_MS = 20_000
/** Long enough to end a program meanwhile, shorter than a node's patience with its swarm. */
const PAUSE_MS = 3_000

/** Clients get small blobs block by block too, so that a failure finds them in the middle. */
const startStreamingCluster = () => startCluster({}, { checkedFirstBytes: '0' })

/** Lets the next readers of the blob at the registry have a quarter of its bytes, and then nothing more. */
function stallReads(cluster: TestCluster, digest: Digest, times: number): void {
  const match = { kind: 'blob', method: 'GET', digest } as const
  cluster.registry.faults.set([{ match, action: 'stall', afterBytes: BLOB_BYTES / 4, times }])
}

/** Begins pulls and waits until each has received a part of the blob. */
async function pullsUnderWay(
  nodes: readonly TestProgram[],
  blob: TestBlob,
  partBytes: number,
): Promise<Promise<Pulled>[]> {
  const received = nodes.map(() => 0)
  const pulls = nodes.map((node, at) =>
    pullBlob(node, blob, {
      onBytes: bytes => {
        received[at] = bytes
      },
    }),
  )
  for (const pull of pulls) pull.catch(() => {})
  await waitFor(() => received.every(bytes => bytes >= partBytes), {
    timeoutMs: PATIENCE_MS,
    what: () => `${partBytes} bytes at each node, got ${received}`,
  })
  return pulls
}

/** Begins a pull, and waits until so much of it is in the node's store. */
async function pullStored(node: TestProgram, blob: TestBlob, storedBytes: number): Promise<{ pull: Promise<Pulled> }> {
  const pull = pullBlob(node, blob)
  pull.catch(() => {})
  await waitFor(async () => (await tasksOf(node)).some(task => task.storedBytes === storedBytes), {
    timeoutMs: PATIENCE_MS,
    what: `${storedBytes} bytes in the store`,
  })
  return { pull }
}

async function expectGood(pulls: readonly Promise<Pulled>[], blob: TestBlob): Promise<void> {
  for (const pulled of await Promise.all(pulls)) {
    expect(pulled).toMatchObject({ status: 200, digest: blob.digest, sizeBytes: BLOB_BYTES })
  }
}

test('a supernode that is killed in mid-pull: the pulls go on from the origin', async () => {
  await using cluster = await startStreamingCluster()
  const supernode = await cluster.supernodeProcess()
  const nodes = await cluster.dfdaemons(4, { supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  stallReads(cluster, blob.digest, 1)

  const pulls = await pullsUnderWay(nodes, blob, BLOB_BYTES / 8)
  supernode.process.signal('SIGKILL')
  await supernode.process.exited
  await expectGood(pulls, blob)
  // Nobody reads again what the swarm had.
  for (const node of nodes) {
    const task = await onlyTask(node)
    expect(task.state).toBe('complete')
    expect(task.account.originBytes).toBeLessThanOrEqual(BLOB_BYTES * 0.875)
  }
})

test('a supernode that freezes in mid-pull: the pulls go on from the origin', async () => {
  await using cluster = await startStreamingCluster()
  const supernode = await cluster.supernodeProcess()
  const nodes = await cluster.dfdaemons(3, { supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  stallReads(cluster, blob.digest, 1)

  const pulls = await pullsUnderWay(nodes, blob, BLOB_BYTES / 8)
  supernode.process.signal('SIGSTOP')
  try {
    await expectGood(pulls, blob)
  } finally {
    supernode.process.signal('SIGKILL')
  }
})

test('a supernode that restarts in mid-pull takes the pulls over again', async () => {
  await using cluster = await startStreamingCluster()
  const supernode = await cluster.supernodeProcess()
  const nodes = await cluster.dfdaemons(3, { supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  // The supernode's first read and each node's own come to nothing: only the restarted supernode can help.
  stallReads(cluster, blob.digest, 1 + nodes.length)

  const pulls = await pullsUnderWay(nodes, blob, BLOB_BYTES / 8)
  supernode.process.signal('SIGKILL')
  await supernode.process.exited
  const blobStats = () => cluster.registry.stats.snapshot().blobs[blob.digest]
  await waitFor(() => blobStats()?.requests === 1 + nodes.length, { timeoutMs: PATIENCE_MS, what: 'origin reads' })
  const { dataDir, url } = supernode
  const restarted = await cluster.supernodeProcess({ dataDir, 'http.listen': new URL(url).host })
  expect(restarted.peerId).toBe(supernode.peerId)
  await expectGood(pulls, blob)
  expect(blobStats()?.requests).toBe(2 + nodes.length)

  const newcomer = await cluster.dfdaemon({ supernode: restarted.url })
  await expectGood([pullBlob(newcomer, blob)], blob)
  expect((await onlyTask(newcomer)).account.originBytes).toBe(0)
})

test('a peer that is killed in mid-pull: the others complete, and the origin gives one copy', async () => {
  await using cluster = await startCluster({ bandwidthBytesPerSecond: 4 * MIB }, { checkedFirstBytes: '0' })
  const supernode = await cluster.supernode()
  const [victim, ...others] = await Promise.all([
    cluster.dfdaemonProcess({ supernode: supernode.url }),
    ...Array.from({ length: 4 }, () => cluster.dfdaemon({ supernode: supernode.url })),
  ])
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)

  const [lost, ...pulls] = await pullsUnderWay([victim, ...others], blob, BLOB_BYTES / 4)
  victim.process.signal('SIGKILL')
  await expect(lost).rejects.toThrow()
  await expectGood(pulls, blob)
  expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(BLOB_BYTES)
})

test.for([
  ['none is configured', ''],
  ['nothing listens at its address', 'http://127.0.0.1:9'],
] as const)('without a supernode, because %s, a pull begins at once', async ([, supernode]) => {
  await using cluster = await startStreamingCluster()
  const node = await cluster.dfdaemon({ supernode })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)

  const pulled = await pullBlob(node, blob)
  expect(pulled).toMatchObject({ status: 200, digest: blob.digest })
  expect(pulled.firstByteMs).toBeLessThan(3_000)
  expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(BLOB_BYTES)
})

test.for([['before'], ['after']] as const)(
  'a supernode that freezes %s the node starts: a pull begins after about a second',
  async ([when]) => {
    await using cluster = await startStreamingCluster()
    const supernode = await cluster.supernodeProcess()
    const blob = await seedBlob(cluster.registry, BLOB_BYTES)
    if (when === 'before') supernode.process.signal('SIGSTOP')
    const node = await cluster.dfdaemon({ supernode: supernode.url })
    if (when === 'after') {
      await waitFor(() => isLinked(supernode, node), { timeoutMs: PATIENCE_MS, what: 'the link' })
      supernode.process.signal('SIGSTOP')
    }
    try {
      const pulled = await pullBlob(node, blob)
      expect(pulled).toMatchObject({ status: 200, digest: blob.digest })
      expect(pulled.firstByteMs).toBeLessThan(5_000)
    } finally {
      supernode.process.signal('SIGKILL')
    }
  },
)

test('a dfdaemon that was killed in mid-pull resumes from its stored blocks, without a supernode', async () => {
  await using cluster = await startStreamingCluster()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  stallReads(cluster, blob.digest, 1)
  const killed = await cluster.dfdaemonProcess()
  const { pull } = await pullStored(killed, blob, BLOB_BYTES / 4)
  killed.process.signal('SIGKILL')
  await expect(pull).rejects.toThrow()
  await killed.process.exited

  const node = await cluster.dfdaemon({ dataDir: killed.dataDir })
  await expectGood([pullBlob(node, blob)], blob)
  const { diskBytes, originBytes } = (await onlyTask(node)).account
  expect({ diskBytes, originBytes }).toEqual({ diskBytes: BLOB_BYTES / 4, originBytes: BLOB_BYTES * 0.75 })
  const { ranges } = cluster.registry.stats.snapshot().blobs[blob.digest] ?? {}
  expect(ranges?.[1]).toMatchObject({ start: diskBytes, end: BLOB_BYTES })
})

test('a dfdaemon that was killed in mid-pull resumes from its stored blocks, in the swarm', async () => {
  await using cluster = await startStreamingCluster()
  const supernode = await cluster.supernode()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  const half = { match: { kind: 'blob', method: 'GET' }, action: 'stall', afterBytes: BLOB_BYTES / 2 } as const
  cluster.registry.faults.set([{ ...half, delayMs: PAUSE_MS, times: 1 }])
  const killed = await cluster.dfdaemonProcess({ supernode: supernode.url })
  const { pull } = await pullStored(killed, blob, BLOB_BYTES / 2)
  killed.process.signal('SIGKILL')
  await expect(pull).rejects.toThrow()
  await killed.process.exited

  const node = await cluster.dfdaemon({ dataDir: killed.dataDir, supernode: supernode.url })
  await expectGood([pullBlob(node, blob)], blob)
  const { diskBytes, supernodeBytes, originBytes } = (await onlyTask(node)).account
  const rest = { supernodeBytes: BLOB_BYTES / 2, originBytes: 0 }
  expect({ diskBytes, supernodeBytes, originBytes }).toEqual({ diskBytes: BLOB_BYTES / 2, ...rest })
  expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(BLOB_BYTES)
})

test('a restarted dfdaemon offers what it has stored to newcomers', async () => {
  await using cluster = await startStreamingCluster()
  const supernode = await cluster.supernode()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  const first = await cluster.dfdaemon({ supernode: supernode.url })
  await expectGood([pullBlob(first, blob)], blob)
  await first.stop()
  const restarted = await cluster.dfdaemon({ supernode: supernode.url, dataDir: first.dataDir })
  expect(restarted.peerId).toBe(first.peerId)
  await waitFor(() => isLinked(supernode, restarted), { timeoutMs: PATIENCE_MS, what: 'the link' })
  const uploaded = await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')

  const newcomer = await cluster.dfdaemon({ supernode: supernode.url })
  await expectGood([pullBlob(newcomer, blob)], blob)
  const { account } = await onlyTask(newcomer)
  expect(account.peerBytes).toBeGreaterThan(0)
  expect(account.originBytes).toBe(0)
  expect(await readMetric(supernode, 'damselfly_supernode_uploaded_bytes_total')).toBe(
    uploaded + account.supernodeBytes,
  )
  expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(BLOB_BYTES)
})

async function isLinked(supernode: TestProgram, node: TestProgram): Promise<boolean> {
  const peers = (await (await fetch(`${supernode.url}/api/v1/peers`)).json()) as { id: string }[]
  return peers.some(({ id }) => id === node.peerId)
}

test.runIf(process.platform === 'linux')(
  'files of ended downloads are closed, and open again for the next pull',
  async () => {
    await using cluster = await startStreamingCluster()
    const node = await cluster.dfdaemon()
    const blobs = await Promise.all(['a', 'b', 'c'].map(seed => seedBlob(cluster.registry, BLOB_BYTES, { seed })))
    for (const blob of blobs) await expectGood([pullBlob(node, blob)], blob)
    const noneOpen = async () => (await openFiles()).every(path => !path.startsWith(`${node.dataDir}/blocks/`))
    await waitFor(noneOpen, { timeoutMs: PATIENCE_MS, what: 'the files to be closed' })
    for (const blob of blobs) await expectGood([pullBlob(node, blob)], blob)
    expect(cluster.registry.stats.snapshot().totalBlobBytes).toBe(3 * BLOB_BYTES)
  },
)
