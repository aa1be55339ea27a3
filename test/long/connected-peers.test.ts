import { request } from 'undici'
import { expect, test } from 'vitest'
import { Bitfield } from '../../protocol/bitfield.ts'
import { encodeMessageFrame } from '../../protocol/frame.ts'
import { blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import type { NodeStatus } from '../../protocol/messages/daemon-api.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { inventoryCodec } from '../../protocol/messages/inventory.ts'
import { BLOCK_PROTOCOL, INVENTORY_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'
import { seedBlob, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestProgram } from '../helpers/cluster.ts'
import { peakMemoryBytes } from '../helpers/peak-memory.ts'
import { pullBlob } from '../helpers/pull.ts'
import { type RawStream, startRawPeer } from '../helpers/raw-peer.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const PEERS = 500
const AT_ONCE = 10
const LIMIT_BYTES = 256 * MIB
const BLOB_BYTES = 64 * MIB
const BLOCK_BYTES = 256 * 1024
const PATIENCE_MS = 30_000

/** What the peers want a block of, and from whom. */
interface Wanted {
  readonly blob: TestBlob
  readonly url: string
  readonly supernode: TestProgram
  readonly holder: PeerAddress
}

test(`a dfdaemon with ${PEERS} connected peers stays under ${LIMIT_BYTES / MIB} MiB`, async () => {
  await using cluster = await startCluster()
  const supernode = await cluster.supernode()
  const node = await cluster.dfdaemonProcess({ supernode: supernode.url })
  const blob = await seedBlob(cluster.registry, BLOB_BYTES)
  expect(await pullBlob(node, blob)).toMatchObject({ status: 200, digest: blob.digest })
  const status = (await (await request(`${node.url}/api/v1/node`)).body.json()) as NodeStatus
  const holder = { id: status.peerId, addresses: status.addresses }
  const url = `${cluster.registry.url}/v2/${blob.repository}/blobs/${blob.digest}`

  await using stack = new AsyncDisposableStack()
  const streams: RawStream[] = []
  let next = 0
  const connect = async () => {
    while (next < PEERS) streams.push(...(await connectPeer(stack, { blob, url, supernode, holder }, next++)))
  }
  await Promise.all(Array.from({ length: AT_ONCE }, connect))
  expect(streams.filter(({ closed }) => !closed)).toHaveLength(2 * PEERS)

  const peakBytes = await peakMemoryBytes(node.process.pid)
  process.stdout.write(`peak resident memory with ${PEERS} peers, in MiB: ${Math.round(peakBytes / MIB)}\n`)
  expect(peakBytes).toBeLessThan(LIMIT_BYTES)
})

/** Connects a peer that becomes a neighbour and gets one block. @returns its inventory and block streams, which stay open */
async function connectPeer(
  stack: AsyncDisposableStack,
  { blob, url, supernode, holder }: Wanted,
  index: number,
): Promise<[RawStream, RawStream]> {
  const peer = stack.use(await startRawPeer())
  const { ticket } = await peer.register(supernode, url, blob.digest)
  const task = taskIdOfDigest(blob.digest)

  const inventory = await peer.open(holder, INVENTORY_PROTOCOL)
  const have = new Bitfield().toBytes()
  inventory.send(encodeMessageFrame(inventoryCodec.encode({ type: 'join', task, ticket, have })))
  const offer = inventoryCodec.decode(await inventory.message(0))
  expect(offer.type === 'offer' && Bitfield.fromBytes(offer.have).count).toBe(BLOB_BYTES / BLOCK_BYTES)

  const blocks = await peer.open(holder, BLOCK_PROTOCOL)
  const block = index % (BLOB_BYTES / BLOCK_BYTES)
  blocks.send(encodeMessageFrame(blockRequestCodec.encode({ type: 'open', task, ticket })))
  blocks.send(encodeMessageFrame(blockRequestCodec.encode({ type: 'get', id: 0, task, block, count: 1 })))
  const expected = blob.bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES)
  await waitFor(() => Buffer.compare(blocks.data.get(0) ?? new Uint8Array(), expected) === 0, {
    timeoutMs: PATIENCE_MS,
    what: `block ${block}`,
  })
  return [inventory, blocks]
}
