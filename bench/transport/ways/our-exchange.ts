import { randomBytes, randomFillSync } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { BlockClient } from '../../../dfget/peer/exchange/block-client.ts'
import { createPeerLimits } from '../../../dfget/peer/exchange/peer-limits.ts'
import { Holdings } from '../../../dfget/peer/holdings.ts'
import { BlockBuffers, ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import { MemoryBlockStore } from '../../../lib/blocks/memory-block-store.ts'
import { systemClock } from '../../../lib/clock.ts'
import { serveBlocks } from '../../../lib/exchange/block-server.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { createLibp2pNode } from '../../../lib/p2p/libp2p-node.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { blockDigestOf } from '../../../protocol/block-map.ts'
import { keysOfSeed } from '../../../protocol/ed25519-seed.ts'
import type { PeerAddress } from '../../../protocol/messages/fields.ts'
import { taskIdOfUrl } from '../../../protocol/task.ts'
import { createTicketVerifier, signTicket } from '../../../protocol/ticket.ts'
import { type Transport, UNIT_BYTES } from './transport.ts'

/** Blocks that exist. After the last comes the first again, so that memory does not grow with what is moved. */
const BLOCKS = 16
const BLOCK_BYTES = UNIT_BYTES
/** 16 MiB asked for at any time. */
const OPEN_REQUESTS = 4
const TASK = taskIdOfUrl({ url: 'http://origin.example/bench' })
const SEED_BYTES = 32
const TICKET_MS = 24 * 3_600_000
/** As a peer has them that nobody configured: no rates, 32 blocks at once. */
const LIMITS = createPeerLimits(
  { clock: systemClock, metrics: { throttled: { inc() {} } } },
  { upload: 0, download: 0, perTask: 0, background: 0, concurrentUploads: 32 },
)

interface Address {
  readonly peer: PeerAddress
  /** Of the cluster's key, base64: the receiver signs its ticket itself, there being no supernode. */
  readonly clusterSeed: string
}

/**
 * Our libp2p node and our block protocol, as the programs put them together: the block server with a store and tickets, the block
 * client with its buffers. Blocks are not hashed.
 */
export const OUR_EXCHANGE: Transport = {
  async serve() {
    const clusterSeed = randomBytes(SEED_BYTES)
    const verifier = createTicketVerifier(keysOfSeed(clusterSeed).publicKey)
    const node = await createNode(['/ip4/127.0.0.1/tcp/0'])
    await serveBlocks({
      node,
      source: new Holdings({ store: await fillStore(), clock: systemClock }),
      limits: LIMITS.uploads,
      ticketVerifier: () => verifier,
      clock: systemClock,
      logger: silentLogger(),
      account: { sent() {}, refused() {} },
    })
    await node.start()
    const peer = { id: node.peerId, addresses: node.addresses() }
    return JSON.stringify({ peer, clusterSeed: clusterSeed.toString('base64') } satisfies Address)
  },
  async connect(address) {
    const { peer, clusterSeed } = JSON.parse(address) as Address
    const node = await createNode([])
    await node.start()
    const key = keysOfSeed(Buffer.from(clusterSeed, 'base64'))
    const claims = { task: TASK, peer: node.peerId, expiresAt: Date.now() + TICKET_MS }
    const components = { node, clock: systemClock, buffers: new BlockBuffers(), limits: LIMITS.downloads }
    const client = new BlockClient(components, peer)
    const ticket = signTicket(claims, key)
    return sizeBytes => fetchBlocks(client, ticket, sizeBytes / BLOCK_BYTES)
  },
}

async function createNode(listen: readonly string[]): Promise<P2pNode> {
  return createLibp2pNode({ privateKey: await generateKeyPair('Ed25519'), listen })
}

async function fillStore(): Promise<MemoryBlockStore> {
  const store = new MemoryBlockStore()
  await store.start()
  const blocks = await store.open(TASK, { blockSizeBytes: BLOCK_BYTES, sizeBytes: BLOCKS * BLOCK_BYTES })
  // One buffer for all, so that the memory of the process tells what serving takes.
  const bytes = new Uint8Array(BLOCK_BYTES)
  for (let index = 0; index < BLOCKS; index++) {
    randomFillSync(bytes)
    await blocks.write(index, blockDigestOf(bytes), ownBuffer(bytes))
  }
  return store
}

/** Fetches blocks with always the same number of requests open. */
async function fetchBlocks(client: BlockClient, ticket: string, count: number): Promise<void> {
  const { signal } = new AbortController()
  let asked = 0
  const fetchInTurn = async () => {
    while (asked < count) {
      const want = { task: TASK, ticket, block: asked++ % BLOCKS, maxBytes: BLOCK_BYTES }
      const block = await client.fetch(want, { signal })
      block.release()
    }
  }
  await Promise.all(Array.from({ length: OPEN_REQUESTS }, fetchInTurn))
}
