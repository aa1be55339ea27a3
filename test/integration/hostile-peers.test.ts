import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { encode } from 'cborg'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { keysOfSeed } from '../../protocol/ed25519-seed.ts'
import { encodeDataHeader, encodeMessageFrame, MAX_MESSAGE_BYTES } from '../../protocol/frame.ts'
import { blockRefusalCodec, blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import { type PeerToSupernode, peerToSupernodeCodec, supernodeToPeerCodec } from '../../protocol/messages/control.ts'
import type { PeerAddress } from '../../protocol/messages/fields.ts'
import { inventoryCodec } from '../../protocol/messages/inventory.ts'
import { BLOCK_PROTOCOL, CONTROL_PROTOCOL, INVENTORY_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { taskIdOfDigest } from '../../protocol/task.ts'
import { signTicket } from '../../protocol/ticket.ts'
import { seedBlob, seededBytes, type TestBlob } from '../helpers/blob.ts'
import { startCluster, type TestCluster, type TestProgram } from '../helpers/cluster.ts'
import { pullBlob, readMetric } from '../helpers/pull.ts'
import { type RawPeer, type RawStream, startRawPeer } from '../helpers/raw-peer.ts'
import { waitFor } from '../helpers/wait.ts'

let cluster: TestCluster
let supernode: Awaited<ReturnType<TestCluster['supernode']>>
let node: TestProgram
let nodeAddress: PeerAddress
let supernodeAddress: PeerAddress
let blob: TestBlob
let peer: RawPeer

beforeAll(async () => {
  cluster = await startCluster()
  supernode = await cluster.supernode()
  node = await cluster.dfdaemon({ supernode: supernode.url })
  blob = await seedBlob(cluster.registry, 1_000_000)
  expect(await pullBlob(node, blob)).toMatchObject({ digest: blob.digest })
  const peers = (await (await fetch(`${supernode.url}/api/v1/peers`)).json()) as PeerAddress[]
  const [first] = peers
  if (first === undefined) throw new Error('the node is not linked')
  nodeAddress = { id: first.id, addresses: first.addresses }
  supernodeAddress = { id: supernode.peerId, addresses: supernode.p2p() }
})

afterAll(() => cluster[Symbol.asyncDispose]())

beforeEach(async () => {
  const started = await startRawPeer()
  peer = started
  return () => started[Symbol.asyncDispose]()
})

const task = () => taskIdOfDigest(blob.digest)
const frame = encodeMessageFrame
const hello = () => frame(peerToSupernodeCodec.encode({ type: 'hello', addresses: [], labels: {}, agent: 'test' }))

/** Frames that no end accepts, with the code of the refusal. */
const BROKEN = [
  ['bytes that are no frame', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'MESSAGE_INVALID'],
  ['a frame longer than allowed', header(MAX_MESSAGE_BYTES + 1, 0), 'FRAME_TOO_LARGE'],
  ['a data frame longer than a block', header(4 * 1024 * 1024 + 9, 1), 'FRAME_TOO_LARGE'],
  ['a frame of an unknown kind', header(1, 7), 'MESSAGE_INVALID'],
  ['a message that is not CBOR', frame(Buffer.from([0xff, 0xff])), 'MESSAGE_INVALID'],
  ['a message without a type', frame(encode({ hello: 'world' })), 'MESSAGE_INVALID'],
  ['a message of an unknown type', frame(encode({ type: 'shutdown' })), 'MESSAGE_INVALID'],
  ['an empty message', frame(new Uint8Array()), 'MESSAGE_INVALID'],
  ['a data frame', Buffer.concat([encodeDataHeader(1, 3), Buffer.from('abc')]), 'MESSAGE_INVALID'],
] as const

function header(lengthBytes: number, kind: number): Uint8Array {
  const bytes = Buffer.alloc(5)
  bytes.writeUInt32BE(lengthBytes)
  bytes.writeUInt8(kind, 4)
  return bytes
}

const ENDS = [
  ['control stream of the supernode', CONTROL_PROTOCOL, 'damselfly_supernode_invalid_messages_total', 'code'],
  ['block stream of the supernode', BLOCK_PROTOCOL, 'damselfly_supernode_refusals_total', 'reason'],
  ['block stream of a node', BLOCK_PROTOCOL, 'damselfly_peer_refusals_total', 'reason'],
  ['inventory stream of a node', INVENTORY_PROTOCOL, 'damselfly_peer_invalid_messages_total', 'code'],
] as const

/** Does something and waits until a counter shows that it was noticed once. */
async function countedOnce(counted: () => Promise<number>, act: () => Promise<void>): Promise<void> {
  const before = await counted()
  await act()
  await waitFor(async () => (await counted()) > before, { timeoutMs: 10_000, what: 'the counter' })
  expect(await counted()).toBe(before + 1)
}

async function expectUnharmed(): Promise<void> {
  const fresh = await seedBlob(cluster.registry, 300_000, { seed: peer.address.id })
  expect(await pullBlob(node, fresh)).toMatchObject({ status: 200, digest: fresh.digest })
  expect(await readMetric(supernode, 'damselfly_supernode_origin_bytes_total')).toBeGreaterThan(0)
}

describe.for(ENDS)('the %s', ([, protocol, metric, label]) => {
  const program = () => (metric.includes('supernode') ? supernode : node)
  const address = () => (metric.includes('supernode') ? supernodeAddress : nodeAddress)

  test.for(BROKEN)('ends at %s', async ([, bytes, code]) => {
    const stream = await peer.open(address(), protocol)
    await countedOnce(
      () => readMetric(program(), metric, { [label]: code }),
      async () => {
        stream.send(bytes)
        await stream.untilClosed()
      },
    )
    await expectUnharmed()
  })
})

describe('the control stream', () => {
  test('begins with hello', async () => {
    const stream = await peer.open(supernodeAddress, CONTROL_PROTOCOL)
    const counted = () =>
      readMetric(supernode, 'damselfly_supernode_invalid_messages_total', { code: 'MESSAGE_INVALID' })
    await countedOnce(counted, async () => {
      stream.send(frame(peerToSupernodeCodec.encode({ type: 'ping' })))
      await stream.untilClosed()
    })
  })

  test('takes no join without a good ticket', async () => {
    const stream = await peer.open(supernodeAddress, CONTROL_PROTOCOL)
    stream.send(hello())
    let answers = 0
    for (const ticket of Object.values(await badTickets())) {
      await countedOnce(
        () => readMetric(supernode, 'damselfly_supernode_invalid_messages_total', { code: 'TICKET_INVALID' }),
        async () => {
          stream.send(
            frame(peerToSupernodeCodec.encode({ type: 'join', task: task(), ticket, have: new Uint8Array() })),
          )
          const answer = supernodeToPeerCodec.decode(await stream.message(answers++))
          expect(answer).toMatchObject({ type: 'failed', code: 'TICKET_INVALID' })
        },
      )
    }
    // It hears nothing of the task.
    stream.send(frame(peerToSupernodeCodec.encode({ type: 'ping' })))
    expect(supernodeToPeerCodec.decode(await stream.message(answers))).toEqual({ type: 'pong' })
    expect(stream.closed).toBe(false)
  })

  test('answers a join for a task that nobody has', async () => {
    const stream = await peer.open(supernodeAddress, CONTROL_PROTOCOL)
    stream.send(hello())
    const unknown = taskIdOfDigest(`sha256:${'0'.repeat(64)}` as TestBlob['digest'])
    const ticket = await ticketOf({ task: unknown })
    stream.send(frame(peerToSupernodeCodec.encode({ type: 'join', task: unknown, ticket, have: new Uint8Array() })))
    const answer = supernodeToPeerCodec.decode(await stream.message(0))
    expect(answer).toMatchObject({ type: 'failed', code: 'TASK_UNKNOWN' })
  })

  test('leads nobody to a metadata service by what a peer announces', async () => {
    const stream = await peer.open(supernodeAddress, CONTROL_PROTOCOL)
    const good = '/ip4/127.0.0.1/tcp/4001'
    const addresses = ['/ip4/169.254.169.254/tcp/80', good, '/ip6/fe80::1/tcp/80']
    stream.send(frame(peerToSupernodeCodec.encode({ type: 'hello', addresses, labels: {}, agent: 'test' })))
    stream.send(frame(peerToSupernodeCodec.encode({ type: 'ping' })))
    await stream.message(0)
    const peers = (await (await fetch(`${supernode.url}/api/v1/peers`)).json()) as PeerAddress[]
    expect(peers.find(({ id }) => id === peer.address.id)?.addresses).toEqual([good])
  })

  test('takes claims and reports about tasks, blocks and peers that do not exist', async () => {
    const stream = await peer.open(supernodeAddress, CONTROL_PROTOCOL)
    stream.send(hello())
    const about = nodeAddress.id
    const messages: PeerToSupernode[] = [
      { type: 'have', task: task(), blocks: [2 ** 31 - 1] },
      { type: 'lost', task: task(), blocks: [0, 2 ** 31 - 1] },
      { type: 'blocked', task: task(), blocks: [2 ** 31 - 1] },
      { type: 'leave', task: task() },
      { type: 'offer', task: task(), have: new Uint8Array(200_000).fill(0xff) },
      { type: 'report', task: task(), about, kind: 'corrupt' },
      { type: 'report', task: task(), about: peer.address.id, kind: 'stalled' },
    ]
    for (const message of messages) stream.send(frame(peerToSupernodeCodec.encode(message)))
    stream.send(frame(peerToSupernodeCodec.encode({ type: 'ping' })))
    await waitFor(() => stream.messages.some(bytes => supernodeToPeerCodec.decode(bytes).type === 'pong'), {
      timeoutMs: 10_000,
    })
    await expectUnharmed()
  })
})

describe('the inventory stream', () => {
  test('takes no join without a good ticket', async () => {
    const stream = await peer.open(nodeAddress, INVENTORY_PROTOCOL)
    for (const ticket of Object.values(await badTickets())) {
      await countedOnce(
        () => readMetric(node, 'damselfly_peer_invalid_messages_total', { code: 'TICKET_INVALID' }),
        async () =>
          stream.send(frame(inventoryCodec.encode({ type: 'join', task: task(), ticket, have: new Uint8Array() }))),
      )
    }
    expect(stream.messages).toEqual([])
  })

  test('shows a holding to whoever has a ticket, and to nobody else', async () => {
    const stream = await peer.open(nodeAddress, INVENTORY_PROTOCOL)
    stream.send(frame(inventoryCodec.encode({ type: 'offer', task: task(), have: new Uint8Array([0xff]) })))
    stream.send(frame(inventoryCodec.encode({ type: 'have', task: task(), blocks: [2 ** 31 - 1] })))
    const ticket = await ticketOf({})
    stream.send(frame(inventoryCodec.encode({ type: 'join', task: task(), ticket, have: new Uint8Array() })))
    const answer = inventoryCodec.decode(await stream.message(0))
    expect(answer).toMatchObject({ task: task(), have: new Uint8Array([0xf0]) })
    expect(stream.messages.length).toBe(1)
  })
})

describe.for([
  ['the supernode', () => supernodeAddress, () => supernode, 'damselfly_supernode_refusals_total'],
  ['a node', () => nodeAddress, () => node, 'damselfly_peer_refusals_total'],
] as const)('blocks of %s', ([, address, program, metric]) => {
  const get = (id: number, block: number, count = 1) =>
    frame(blockRequestCodec.encode({ type: 'get', id, task: task(), block, count }))
  const open = (ticket: string) => frame(blockRequestCodec.encode({ type: 'open', task: task(), ticket }))

  async function refusalOf(stream: RawStream, index: number) {
    return blockRefusalCodec.decode(await stream.message(index))
  }

  test('are not given without a ticket', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    await countedOnce(
      () => readMetric(program(), metric, { reason: 'denied' }),
      async () => {
        stream.send(get(1, 0))
        expect(await refusalOf(stream, 0)).toEqual({ type: 'refused', id: 1, count: 1, reason: 'denied' })
      },
    )
  })

  test('are refused in one answer to a run', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    stream.send(get(7, 0, 256))
    expect(await refusalOf(stream, 0)).toEqual({ type: 'refused', id: 7, count: 256, reason: 'denied' })
    stream.send(open(await ticketOf({})))
    stream.send(Buffer.concat([get(300, 2 ** 30, 200), get(500, 2 ** 30, 100)]))
    expect(await refusalOf(stream, 1)).toEqual({ type: 'refused', id: 556, count: 44, reason: 'busy' })
  })

  test('are not given for a bad ticket', async () => {
    let id = 0
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    for (const ticket of Object.values(await badTickets())) {
      await countedOnce(
        () => readMetric(program(), metric, { reason: 'TICKET_INVALID' }),
        async () => {
          stream.send(open(ticket))
          stream.send(get(id, 0))
          expect(await refusalOf(stream, id)).toEqual({ type: 'refused', id, count: 1, reason: 'denied' })
          id++
        },
      )
    }
  })

  test('are given for a good ticket, as far as they exist', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    stream.send(open(await ticketOf({})))
    stream.send(get(1, 3))
    stream.send(get(2, 4))
    stream.send(get(3, 2 ** 31 - 1))
    expect(await refusalOf(stream, 0)).toEqual({ type: 'refused', id: 2, count: 1, reason: 'missing' })
    expect(await refusalOf(stream, 1)).toEqual({ type: 'refused', id: 3, count: 1, reason: 'missing' })
    expect(Buffer.from(stream.data.get(1) ?? []).equals(blob.bytes.subarray(3 * 256 * 1024))).toBe(true)
    expect(stream.closed).toBe(false)
  })

  test('are given in runs, as far as they exist, but for those that were cancelled', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    const cancel = frame(blockRequestCodec.encode({ type: 'cancel', id: 13 }))
    stream.send(Buffer.concat([open(await ticketOf({})), get(11, 1, 4), cancel, get(20, 0)]))
    expect(await refusalOf(stream, 0)).toEqual({ type: 'refused', id: 14, count: 1, reason: 'missing' })
    await waitFor(() => stream.data.has(20), { timeoutMs: 10_000, what: 'the block asked for last' })
    expect([...stream.data.keys()]).toEqual([11, 12, 20])
    expect(Buffer.from(stream.data.get(12) ?? []).equals(blob.bytes.subarray(2 * 256 * 1024, 3 * 256 * 1024))).toBe(
      true,
    )
  })

  test('are refused to whoever asks for too many at once', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    stream.send(Buffer.concat([open(await ticketOf({})), ...Array.from({ length: 400 }, (_, id) => get(id, 0))]))
    expect(await refusalOf(stream, 0)).toMatchObject({ reason: 'busy' })
  })

  test('are refused to whoever asks for too many in runs', async () => {
    const stream = await peer.open(address(), BLOCK_PROTOCOL)
    stream.send(Buffer.concat([open(await ticketOf({})), get(0, 0, 256), get(256, 0, 256)]))
    expect(await refusalOf(stream, 0)).toMatchObject({ reason: 'busy' })
  })
})

async function ticketOf(claims: {
  task?: ReturnType<typeof task>
  peer?: string
  expiresAt?: number
}): Promise<string> {
  const key = keysOfSeed(await readFile(join(supernode.dataDir, 'cluster.key')))
  return signTicket({ task: task(), peer: peer.address.id, expiresAt: Date.now() + 60_000, ...claims }, key)
}

async function badTickets(): Promise<Record<string, string>> {
  const forged = keysOfSeed(seededBytes(32, 'another cluster'))
  const claims = { task: task(), peer: peer.address.id, expiresAt: Date.now() + 60_000 }
  const ofOtherPeer = await ticketOf({ peer: nodeAddress.id })
  const good = await ticketOf({})
  return {
    empty: '',
    garbage: 'not a ticket',
    forged: signTicket(claims, forged),
    changed: `${good.slice(0, -4)}AAAA`,
    expired: await ticketOf({ expiresAt: Date.now() - 1 }),
    ofOtherPeer,
    ofOtherTask: await ticketOf({ task: taskIdOfDigest(`sha256:${'1'.repeat(64)}` as TestBlob['digest']) }),
  }
}
