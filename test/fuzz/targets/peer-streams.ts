import assert from 'node:assert/strict'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Stream } from '@libp2p/interface'
import { InventoryLinks } from '../../../dfget/peer/swarm/inventory-links.ts'
import { ownBuffer } from '../../../lib/blocks/block-buffers.ts'
import { serveBlocks } from '../../../lib/exchange/block-server.ts'
import { silentLogger } from '../../../lib/logger.ts'
import type { P2pNode } from '../../../lib/p2p/p2p-node.ts'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { FrameDecoder } from '../../../protocol/frame.ts'
import { blockRefusalCodec, blockRequestCodec } from '../../../protocol/messages/block-exchange.ts'
import { inventoryCodec } from '../../../protocol/messages/inventory.ts'
import type { TaskId } from '../../../protocol/task.ts'
import type { TicketVerifier } from '../../../protocol/ticket.ts'
import { unlimited } from '../../helpers/block-exchange.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { inPieces } from '../engine/pieces.ts'
import type { FuzzTarget } from '../engine/target.ts'
import { FedStream, untilEnded } from './fed-stream.ts'
import { framed, messagesIn, mutateFrames } from './frames.ts'

const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const ADDRESS = '/ip4/127.0.0.1/tcp/1'
const TASK = `sha256:${'0a'.repeat(32)}` as TaskId
const OTHER = `sha256:${'0b'.repeat(32)}` as TaskId
const TICKET = 'good'
const WORDS = ['00000000', '00000001', '0000000c', 'ffffffff', '0000000101'].map(hex => Buffer.from(hex, 'hex'))
const clock = createManualClock()

/** Good is one ticket, for one task; how they are signed is the target `ticket`'s affair. */
const verifier: TicketVerifier = {
  verify(ticket, expected) {
    if (ticket !== TICKET || expected.task !== TASK) throw new DamselflyError('TICKET_INVALID')
    return { task: TASK, peer: PEER, expiresAt: 1 }
  },
}

type OnStream = Parameters<P2pNode['handle']>[1]

/** A node whose streams are those that it is given. */
function nodeOf(took: (onStream: OnStream) => void): P2pNode {
  const node: Partial<P2pNode> = {
    peerId: PEER,
    handle: async (_protocol, onStream) => took(onStream),
    dial: async () => {
      throw new Error('nobody is reached')
    },
  }
  return node as P2pNode
}

/** Gives a stream all of an input, lets what it led to come to an end, and ends it. */
async function feedAll(stream: FedStream, input: Uint8Array): Promise<void> {
  for (const piece of inPieces(input)) {
    stream.feed(piece)
    piece.fill(0xee)
  }
  let sentBytes = -1
  while (sentBytes !== stream.sentBytes) {
    sentBytes = stream.sentBytes
    await nextTurn()
  }
  stream.feedEnd()
  await untilEnded(stream)
}

const BLOCK_BYTES = 300

const blocks: FuzzTarget = {
  name: 'block-server',
  about: 'a whole block stream: tickets, requests for runs of blocks, and what is called off',
  maxBytes: 4096,
  dictionary: WORDS,
  mutate: mutateFrames,
  seeds: () => [
    framed(blockRequestCodec, [
      { type: 'open', task: TASK, ticket: TICKET },
      { type: 'get', id: 1, task: TASK, block: 0, count: 3 },
      { type: 'cancel', id: 2 },
      { type: 'get', id: 9, task: OTHER, block: 0, count: 1 },
    ]),
    framed(blockRequestCodec, [
      { type: 'open', task: OTHER, ticket: TICKET },
      { type: 'get', id: 0, task: OTHER, block: 5, count: 256 },
    ]),
    framed(blockRequestCodec, [
      { type: 'open', task: TASK, ticket: TICKET },
      { type: 'get', id: 4_294_967_295, task: TASK, block: 2 ** 31 - 1, count: 256 },
      { type: 'get', id: 0, task: TASK, block: 7, count: 256 },
    ]),
  ],
  async open() {
    const content = new Uint8Array(BLOCK_BYTES)
    let serve: OnStream = () => {}
    let held = 0
    await serveBlocks({
      node: nodeOf(onStream => {
        serve = onStream
      }),
      source: {
        lengthOf: async (_task, block) => {
          if (block % 7 === 5) throw new Error('the disk says no')
          return block % 7 === 6 ? undefined : BLOCK_BYTES
        },
        async read(_task, block, offset, length) {
          if (block % 7 === 4) throw new Error('the disk says no')
          held++
          return { ...ownBuffer(content.subarray(offset, offset + length)), release: () => void held-- }
        },
      },
      limits: unlimited().uploads,
      ticketVerifier: () => verifier,
      clock,
      logger: silentLogger(),
      account: { sent() {}, refused() {} },
    })
    return {
      async run(input) {
        const asked = askedIn(input)
        const answered = { blocks: 0, refused: 0 }
        const decoder = new FrameDecoder({
          message(bytes) {
            const refusal = blockRefusalCodec.decode(bytes)
            answered.refused += refusal.count
          },
          dataStart(_id, lengthBytes) {
            answered.blocks++
            assert.equal(lengthBytes, BLOCK_BYTES)
            return new Uint8Array(lengthBytes)
          },
          dataEnd() {},
          dataCut() {},
        })
        const stream = new FedStream()
        stream.sent = data => decoder.push(data.slice())
        serve(stream as unknown as Stream, PEER, ADDRESS)
        await feedAll(stream, input)
        assert.equal(held, 0, 'buffers that nobody gave back')
        assert(answered.blocks + answered.refused <= asked.requests, 'more answers than requests')
        if (!asked.hasTicket) assert.equal(answered.blocks, 0, 'a block for nobody')
      },
    }
  },
}

/** What a whole stream asks for, at most. */
function askedIn(input: Uint8Array): { requests: number; hasTicket: boolean } {
  const asked = { requests: 0, hasTicket: false }
  for (const bytes of messagesIn(input)) {
    try {
      const request = blockRequestCodec.decode(bytes)
      if (request.type === 'get') asked.requests += request.count
      if (request.type === 'open' && request.ticket === TICKET && request.task === TASK) asked.hasTicket = true
    } catch {
      break
    }
  }
  return asked
}

const have = Uint8Array.of(0xff, 0x80)

const links: FuzzTarget = {
  name: 'inventory-links',
  about: 'a whole inventory stream of a neighbour: joins, offers, and what it has and loses',
  maxBytes: 4096,
  dictionary: WORDS,
  mutate: mutateFrames,
  seeds: () => [
    framed(inventoryCodec, [
      { type: 'join', task: TASK, ticket: TICKET, have },
      { type: 'have', task: TASK, blocks: [9, 70_000] },
      { type: 'lost', task: TASK, blocks: [0, 3] },
      { type: 'leave', task: TASK },
    ]),
    framed(inventoryCodec, [
      { type: 'offer', task: TASK, have },
      { type: 'join', task: OTHER, ticket: TICKET, have },
      { type: 'have', task: OTHER, blocks: [] },
    ]),
    framed(inventoryCodec, [
      { type: 'join', task: TASK, ticket: 'bad', have },
      { type: 'join', task: TASK, ticket: TICKET, have: new Uint8Array(0) },
      { type: 'lost', task: TASK, blocks: [2 ** 31 - 1] },
    ]),
  ],
  async open() {
    let adopt: OnStream = () => {}
    const neighbours = new Set<TaskId>()
    const known = (task: TaskId) => assert(neighbours.has(task), 'news of a task in which it is no neighbour')
    const own = Bitfield.fromBytes(have)
    const inventory = new InventoryLinks({
      node: nodeOf(onStream => {
        adopt = onStream
      }),
      clock,
      logger: silentLogger(),
      listener: {
        neighbourJoined(task) {
          assert.equal(task, TASK, 'a neighbour without a good ticket')
          neighbours.add(task)
        },
        neighbourHas: known,
        neighbourLost: known,
        neighbourLacks: (_task, _peer, blocks) => [...blocks],
        neighbourLeft: task => void neighbours.delete(task),
        neighbourGone: task => void neighbours.delete(task),
      },
      ticketVerifier: () => verifier,
      ownInventory: async task => (task === TASK ? { have: own, ticket: TICKET } : undefined),
      account: { invalidMessage() {} },
    })
    await inventory.start()
    return {
      async run(input) {
        const stream = new FedStream()
        adopt(stream as unknown as Stream, PEER, ADDRESS)
        inventory.tell(TASK, 'have', [1])
        await feedAll(stream, input)
        assert.equal(neighbours.size, 0, 'a neighbour is left whose stream has ended')
        // However much it says, it is told of each of its messages at most once what is here.
        assert(stream.sentBytes <= 512 * (1 + messagesIn(input).length) + input.length * 8)
      },
      close: () => inventory.stop(),
    }
  },
}

/** Streams of peers to peers, from the first byte to the end. */
export const PEER_STREAM_TARGETS: readonly FuzzTarget[] = [blocks, links]
