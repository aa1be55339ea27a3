import { generateKeyPair } from '@libp2p/crypto/keys'
import { BlockClient } from '../../dfget/peer/exchange/block-client.ts'
import type { PeerLimitsConfig } from '../../dfget/peer/exchange/limits-config.ts'
import { createPeerLimits, type PeerLimits, type PeerLimitsComponents } from '../../dfget/peer/exchange/peer-limits.ts'
import { BlockBuffers, ownBuffer } from '../../lib/blocks/block-buffers.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { type BlockSource, serveBlocks, type UploadPriority } from '../../lib/exchange/block-server.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createLibp2pNode, type Libp2pNodeInit } from '../../lib/p2p/libp2p-node.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { type TaskId, taskIdOfUrl } from '../../protocol/task.ts'
import { createTicketVerifier, signTicket } from '../../protocol/ticket.ts'
import { seededBytes } from './blob.ts'

/** Small, so that what has arrived is known exactly. */
export const EXCHANGE_BLOCK_BYTES = 64 * 1024

/** Signs the tickets that exchange nodes accept. */
export const CLUSTER_KEY = keysOfSeed(seededBytes(32, 'exchange'))

/** The limits of a peer, none but for those that are given. */
export function unlimited(
  given: Partial<PeerLimitsConfig> = {},
  components: PeerLimitsComponents = { clock: systemClock, metrics: { throttled: { inc() {} } } },
): PeerLimits {
  const none = { upload: 0, download: 0, perTask: 0, background: 0, concurrentUploads: 0 }
  return createPeerLimits(components, { ...none, ...given })
}

/** A libp2p node that serves blocks of whatever task, and asks others for them. */
export interface ExchangeNode extends AsyncDisposable {
  readonly node: P2pNode
  readonly address: PeerAddress
  readonly limits: PeerLimits
  /** Seconds for which transfers waited, by direction. */
  readonly throttledSeconds: Record<'upload' | 'download', number>
  /** Bytes read to be sent, so far. */
  readonly readBytes: number
  /** Bytes of blocks that were sent to their end, so far. */
  readonly sentBytes: number
  /** Lets reads of the blocks that it serves fail or wait. */
  beforeRead: (block: number) => Promise<void> | void
  /** A client, which is closed when the node ends. */
  client(of: ExchangeNode): BlockClient
  /** Some task, with a ticket for this node. */
  want(name?: string): { task: TaskId; ticket: string }
  /** The block that it gives for whatever is asked. */
  readonly block: Uint8Array
}

export interface ExchangeInit extends Partial<PeerLimitsConfig> {
  readonly blockBytes?: number
  /** The clock of its limits. */
  readonly clock?: Clock
  /** What it knows of who waits for what; nothing by default. */
  readonly priority?: UploadPriority
  /** Settings of its libp2p node. */
  readonly p2p?: Partial<Libp2pNodeInit>
}

/** Starts a node on the loopback, without limits but for those that are given. */
export async function startExchangeNode({
  blockBytes = EXCHANGE_BLOCK_BYTES,
  clock = systemClock,
  p2p = {},
  priority,
  ...limited
}: ExchangeInit = {}): Promise<ExchangeNode> {
  const privateKey = p2p.privateKey ?? (await generateKeyPair('Ed25519'))
  const node = await createLibp2pNode({ listen: ['/ip4/127.0.0.1/tcp/0'], ...p2p, privateKey })
  const throttledSeconds = { upload: 0, download: 0 }
  const throttled = {
    inc({ direction }: Readonly<Record<string, string>>, seconds = 1) {
      throttledSeconds[direction as 'upload' | 'download'] += seconds
    },
  }
  const limits = unlimited(limited, { clock, metrics: { throttled } })
  const buffers = new BlockBuffers()
  const clients: BlockClient[] = []
  const content = seededBytes(blockBytes, node.peerId)
  const counts = { readBytes: 0, sentBytes: 0 }
  const source: BlockSource = {
    lengthOf: async () => blockBytes,
    async read(_task, block, offset, length) {
      await self.beforeRead(block)
      counts.readBytes += length
      return ownBuffer(content.subarray(offset, offset + length))
    },
  }
  const verifier = createTicketVerifier(CLUSTER_KEY.publicKey)
  const account = {
    sent(_task: string, _peer: string, bytes: number) {
      counts.sentBytes += bytes
    },
    refused() {},
  }
  const logger = silentLogger()
  await serveBlocks({
    node,
    source,
    limits: limits.uploads,
    ...(priority && { priority }),
    ticketVerifier: () => verifier,
    clock,
    logger,
    account,
  })
  await node.start()
  const self: ExchangeNode = {
    node,
    address: { id: node.peerId, addresses: node.addresses() },
    limits,
    throttledSeconds,
    get readBytes() {
      return counts.readBytes
    },
    get sentBytes() {
      return counts.sentBytes
    },
    beforeRead() {},
    block: content,
    client(of) {
      const client = new BlockClient({ node, clock, buffers, limits: limits.downloads }, of.address)
      clients.push(client)
      return client
    },
    want(name = 'some') {
      const task = taskIdOfUrl({ url: `http://origin.example/${name}` })
      return { task, ticket: signTicket({ task, peer: node.peerId, expiresAt: Date.now() + 600_000 }, CLUSTER_KEY) }
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close()
      await node.stop()
    },
  }
  return self
}

/** What an endless download asks for. */
export interface EndlessWant {
  readonly task: TaskId
  readonly ticket: string
  /** How many blocks there are; after the last comes the first again. */
  readonly blockCount?: number
  readonly maxBytes?: number
  /** Requests that are open at once. */
  readonly open?: number
}

/** A download of one block after the other from one node, until it is stopped. */
export interface EndlessDownload extends AsyncDisposable {
  /** Of the blocks that have come. */
  readonly bytes: number
}

/** Downloads blocks until the end of the test. */
export function downloadEndlessly(
  client: BlockClient,
  { task, ticket, blockCount = Number.POSITIVE_INFINITY, maxBytes = 4 * 1024 * 1024, open = 4 }: EndlessWant,
): EndlessDownload {
  const end = new AbortController()
  let bytes = 0
  let next = 0
  const workers = Array.from({ length: open }, async () => {
    while (!end.signal.aborted) {
      const block = await client.fetch({ task, ticket, block: next++ % blockCount, maxBytes }, { signal: end.signal })
      bytes += block.bytes.length
      block.release()
    }
  })
  // Seen as soon as it is, for a test that waits for bytes that will not come.
  const done = Promise.all(workers).catch(error => {
    if (!end.signal.aborted) throw error
  })
  return {
    get bytes() {
      return bytes
    },
    async [Symbol.asyncDispose]() {
      end.abort()
      await done
    },
  }
}
