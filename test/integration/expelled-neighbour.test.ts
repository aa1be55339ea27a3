import { generateKeyPair } from '@libp2p/crypto/keys'
import { expect, test } from 'vitest'
import { createSwarmPeer } from '../../dfget/peer/create-swarm-peer.ts'
import { PEER_METRICS } from '../../dfget/peer/metrics.ts'
import { BlockBuffers } from '../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../lib/blocks/memory-block-store.ts'
import { systemClock } from '../../lib/clock.ts'
import { ClusterClock } from '../../lib/cluster-clock.ts'
import { createInlineHasher } from '../../lib/hashing/inline-hasher.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createMetrics } from '../../lib/metrics.ts'
import { createNoOrigin } from '../../lib/origin/by-scheme.ts'
import { createLibp2pNode } from '../../lib/p2p/libp2p-node.ts'
import { Bitfield } from '../../protocol/bitfield.ts'
import { encodeMessageFrame } from '../../protocol/frame.ts'
import { blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import { peerToSupernodeCodec } from '../../protocol/messages/control.ts'
import { inventoryCodec } from '../../protocol/messages/inventory.ts'
import type { RegistrationAnswer } from '../../protocol/messages/registration.ts'
import { BLOCK_PROTOCOL, CONTROL_PROTOCOL, INVENTORY_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { createSupernodeClient } from '../../supernode/client/supernode-client.ts'
import { seedBlob } from '../helpers/blob.ts'
import { unlimited } from '../helpers/block-exchange.ts'
import { startCluster } from '../helpers/cluster.ts'
import { readMetric } from '../helpers/pull.ts'
import { rawStream, startRawPeer } from '../helpers/raw-peer.ts'
import { waitFor } from '../helpers/wait.ts'

const BLOCKS = 16
const BLOB_BYTES = BLOCKS * 256 * 1024
const PATIENCE_MS = 10_000

test('a pull that waits for a neighbour goes on elsewhere when that is expelled', async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`
  let registration: RegistrationAnswer | undefined
  let asked = 0
  let expel = () => {}

  // It claims to hold everything, and is expelled as soon as it is asked for something.
  const have = everything()
  await using silent = await startRawPeer(async node => {
    await node.handle(INVENTORY_PROTOCOL, stream => {
      rawStream(stream, (bytes, self) => {
        const message = inventoryCodec.decode(bytes)
        if (message.type !== 'join' || registration === undefined) return
        const { ticket } = registration
        self.send(encodeMessageFrame(inventoryCodec.encode({ type: 'join', task: message.task, ticket, have })))
      })
    })
    await node.handle(BLOCK_PROTOCOL, stream => {
      rawStream(stream, bytes => {
        if (blockRequestCodec.decode(bytes).type !== 'get') return
        asked++
        expel()
      })
    })
  })
  registration = await silent.register(supernode, url, blob.digest)
  const control = await silent.open({ id: supernode.peerId, addresses: supernode.p2p() }, CONTROL_PROTOCOL)
  const { taskId: task, ticket } = registration
  const tell = (message: Parameters<typeof peerToSupernodeCodec.encode>[0]) =>
    control.send(encodeMessageFrame(peerToSupernodeCodec.encode(message)))
  tell({ type: 'hello', addresses: [...silent.address.addresses], labels: {}, agent: 'test' })
  tell({ type: 'join', task, ticket, have })
  await waitFor(() => control.messages.length > 0, { timeoutMs: PATIENCE_MS, what: 'the block map' })

  const node = await createLibp2pNode({
    privateKey: await generateKeyPair('Ed25519'),
    listen: ['/ip4/127.0.0.1/tcp/0'],
  })
  let expelledAt = 0
  expel = () => {
    if (expelledAt > 0) return
    expelledAt = performance.now()
    node.expel([{ id: silent.address.id, until: Date.now() + 3_600_000 }])
  }
  const peer = createSwarmPeer({
    node,
    store: new MemoryBlockStore(),
    buffers: new BlockBuffers(),
    hasher: createInlineHasher(),
    origin: createNoOrigin(),
    supernode: createSupernodeClient(supernode.url),
    limits: unlimited(),
    clock: new ClusterClock(systemClock),
    logger: silentLogger(),
    metrics: createMetrics(PEER_METRICS),
  })
  await using stack = new AsyncDisposableStack()
  stack.defer(() => peer.stop())
  await peer.start()

  const signal = AbortSignal.timeout(3 * PATIENCE_MS)
  const content = await peer.open({ url, headers: {}, digest: blob.digest }, { signal })
  const pieces: Uint8Array[] = []
  for await (const piece of content.read({ start: 0, end: BLOB_BYTES }, { signal })) pieces.push(Uint8Array.from(piece))
  expect(Buffer.concat(pieces).equals(blob.bytes)).toBe(true)
  expect(asked).toBeGreaterThan(0)
  expect(performance.now() - expelledAt).toBeLessThan(PATIENCE_MS)
  // It has not been waited for until its deadline, which would have been reported.
  expect(await readMetric(supernode, 'damselfly_supernode_peer_reports_total', { kind: 'stalled' })).toBe(0)
  const [account] = (await peer.tasks()).map(({ account }) => account)
  expect(account).toMatchObject({ peerBytes: 0, supernodeBytes: BLOB_BYTES })
})

function everything(): Uint8Array {
  const field = new Bitfield(BLOCKS)
  for (let block = 0; block < BLOCKS; block++) field.add(block)
  return field.toBytes()
}
