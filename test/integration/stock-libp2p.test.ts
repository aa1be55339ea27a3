import { noise } from '@chainsafe/libp2p-noise'
import { identify } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { expect, test } from 'vitest'
import { BlockClient } from '../../dfget/peer/exchange/block-client.ts'
import { BlockBuffers, ownBuffer } from '../../lib/blocks/block-buffers.ts'
import { systemClock } from '../../lib/clock.ts'
import { serveBlocks } from '../../lib/exchange/block-server.ts'
import { silentLogger } from '../../lib/logger.ts'
import { createFrameChannel } from '../../lib/p2p/frame-channel.ts'
import type { P2pNode } from '../../lib/p2p/p2p-node.ts'
import { noiseRecords } from '../../lib/p2p/records/noise-records.ts'
import { createYamux } from '../../lib/p2p/yamux/create-yamux.ts'
import { MAX_BLOCK_BYTES } from '../../protocol/block-size.ts'
import { blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { BLOCK_PROTOCOL, NOISE_RECORDS_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { createTicketVerifier, signTicket } from '../../protocol/ticket.ts'
import { seededBytes } from '../helpers/blob.ts'
import { CLUSTER_KEY, type ExchangeNode, startExchangeNode, unlimited } from '../helpers/block-exchange.ts'

const PATIENCE_MS = 10_000

/** Larger than the first window of any stream, so that windows have to be renewed. */
const BLOCK_BYTES = MAX_BLOCK_BYTES - 1

const STOCK = { connectionEncrypters: [noise()], streamMuxers: [yamux()] }
const OURS = { connectionEncrypters: [noiseRecords(), noise()], streamMuxers: [createYamux] }

test('a plain js-libp2p node fetches a block from one of ours', async () => {
  await using stack = new AsyncDisposableStack()
  const ours = stack.use(await startExchangeNode({ blockBytes: BLOCK_BYTES }))
  const stock = await startLibp2p(stack, STOCK)
  const { task } = ours.want()
  const ticket = signTicket({ task, peer: stock.peerId.toString(), expiresAt: Date.now() + 600_000 }, CLUSTER_KEY)
  const stream = await stock.dialProtocol(addressesOf(ours.address), BLOCK_PROTOCOL)
  const fetched = Promise.withResolvers<Uint8Array>()
  let block = new Uint8Array(0)
  const channel = createFrameChannel(stream, ours.address.id, {
    message: () => fetched.reject(new Error('refused')),
    dataStart(_, lengthBytes) {
      block = new Uint8Array(lengthBytes)
      return block
    },
    dataEnd: id => (id === 7 ? fetched.resolve(block) : fetched.reject(new Error(`an answer to ${id}`))),
    dataCut: () => fetched.reject(new Error('cut')),
    closed: error => fetched.reject(error ?? new Error('closed')),
  })
  channel.send(blockRequestCodec.encode({ type: 'open', task, ticket }))
  channel.send(blockRequestCodec.encode({ type: 'get', id: 7, task, block: 0, count: 1 }))
  expect(Buffer.from(await fetched.promise).equals(ours.block)).toBe(true)
  expect(waysOf(stock)).toEqual([['/noise', '/yamux/1.0.0']])
})

test('one of our nodes fetches a block from a plain js-libp2p node', async () => {
  await using stack = new AsyncDisposableStack()
  const stock = await startLibp2p(stack, STOCK)
  const content = seededBytes(BLOCK_BYTES)
  await serveBlocks({
    node: p2pNodeOf(stock),
    source: {
      lengthOf: async () => content.length,
      read: async (_task, _block, offset, length) => ownBuffer(content.subarray(offset, offset + length)),
    },
    limits: unlimited().uploads,
    ticketVerifier: () => createTicketVerifier(CLUSTER_KEY.publicKey),
    clock: systemClock,
    logger: silentLogger(),
    account: { sent() {}, refused: reason => expect.unreachable(reason) },
  })
  const ours = stack.use(await startExchangeNode())
  const { limits, node } = ours
  const client = new BlockClient(
    { node, clock: systemClock, buffers: new BlockBuffers(), limits: limits.downloads },
    addressOf(stock),
  )
  stack.defer(() => client.close())
  const want = { ...ours.want(), block: 0, maxBytes: BLOCK_BYTES }
  const fetched = await client.fetch(want, { signal: AbortSignal.timeout(PATIENCE_MS) })
  expect(Buffer.from(fetched.bytes).equals(content)).toBe(true)
  fetched.release()
  expect(waysOf(stock)).toEqual([['/noise', '/yamux/1.0.0']])
})

test.each([
  ['we dial', true],
  ['they dial', false],
])('two of ours talk in records: %s', async (_, oursDials) => {
  await using stack = new AsyncDisposableStack()
  const ours = stack.use(await startExchangeNode({ blockBytes: BLOCK_BYTES }))
  // Made of the same parts as our nodes, to see its connections.
  const other = await startLibp2p(stack, OURS)
  await connect(ours, other, oursDials)
  expect(waysOf(other)).toEqual([[NOISE_RECORDS_PROTOCOL, '/yamux/1.0.0']])
})

test('two of our nodes exchange a block', async () => {
  await using stack = new AsyncDisposableStack()
  const holder = stack.use(await startExchangeNode({ blockBytes: BLOCK_BYTES }))
  const asker = stack.use(await startExchangeNode())
  const client = asker.client(holder)
  stack.defer(() => client.close())
  const want = { ...asker.want(), block: 0, maxBytes: BLOCK_BYTES }
  const fetched = await client.fetch(want, { signal: AbortSignal.timeout(PATIENCE_MS) })
  expect(Buffer.from(fetched.bytes).equals(holder.block)).toBe(true)
  fetched.release()
})

type Ways = Pick<NonNullable<Parameters<typeof createLibp2p>[0]>, 'connectionEncrypters' | 'streamMuxers'>

/** A js-libp2p node on the loopback that secures and shares its connections in these ways. */
async function startLibp2p(stack: AsyncDisposableStack, ways: Ways): Promise<Libp2p> {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    services: { identify: identify() },
    ...ways,
  })
  stack.defer(async () => libp2p.stop())
  return libp2p
}

/** As much of our nodes as a block server needs, of a node that is not ours. */
function p2pNodeOf(libp2p: Libp2p): P2pNode {
  return {
    peerId: libp2p.peerId.toString(),
    addresses: () => addressOf(libp2p).addresses.slice(),
    start: async () => {},
    stop: async () => {},
    async handle(protocol, onStream) {
      await libp2p.handle(protocol, (stream, { remotePeer, remoteAddr }) =>
        onStream(stream, remotePeer.toString(), remoteAddr.toString()),
      )
    },
    expel() {},
    dial: (peer, protocol, { signal }) => libp2p.dialProtocol(addressesOf(peer), protocol, { signal }),
  }
}

/** Opens a stream between the nodes, whatever becomes of it. */
async function connect(ours: ExchangeNode, other: Libp2p, oursDials: boolean): Promise<void> {
  await other.handle(BLOCK_PROTOCOL, () => {})
  if (oursDials) await ours.node.dial(addressOf(other), BLOCK_PROTOCOL, { signal: AbortSignal.timeout(PATIENCE_MS) })
  else await other.dialProtocol(addressesOf(ours.address), BLOCK_PROTOCOL)
}

/** How the connections of a node are secured, and shared by streams. */
function waysOf(libp2p: Libp2p): [string | undefined, string | undefined][] {
  return libp2p
    .getConnections()
    .map(({ encryption, multiplexer }: Connection): [string | undefined, string | undefined] => [
      encryption,
      multiplexer,
    ])
}

function addressOf(libp2p: Libp2p): PeerAddress {
  const addresses = libp2p.getMultiaddrs().map(address => address.decapsulate('/p2p').toString())
  return { id: libp2p.peerId.toString(), addresses }
}

function addressesOf({ id, addresses }: PeerAddress) {
  return addresses.map(address => multiaddr(`${address}/p2p/${id}`))
}
