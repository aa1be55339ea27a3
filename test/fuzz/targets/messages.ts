import assert from 'node:assert/strict'
import { blockRefusalCodec, blockRequestCodec } from '../../../protocol/messages/block-exchange.ts'
import type { MessageCodec } from '../../../protocol/messages/codec.ts'
import { peerToSupernodeCodec, supernodeToPeerCodec } from '../../../protocol/messages/control.ts'
import { inventoryCodec } from '../../../protocol/messages/inventory.ts'
import { refusing } from '../engine/expected.ts'
import { mutateCbor } from '../engine/structure.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'

const task = `sha256:${'0a'.repeat(32)}` as never
const PEER = '12D3KooWAfPDpPRRRBrmqy9is2zjU5srQ4hKuZitiGmh4NTTpS2d'
const ADDRESS = '/ip4/10.0.0.1/tcp/65002'
const have = Uint8Array.of(0xff, 0x80)

/** CBOR heads of every kind and length. */
const HEADS = [
  '18',
  '19',
  '1a',
  '1b',
  '3b',
  '58',
  '5a',
  '5b',
  '5f',
  '78',
  '7b',
  '98',
  '9a',
  '9f',
  'b8',
  'ba',
  'bf',
  'c0',
  'd8',
  'f6',
]
const MORE_HEADS = [
  'f7',
  'f97e00',
  'fb7ff8000000000000',
  'ff',
  '1bffffffffffffffff',
  '8181818181818181',
  'a1695f5f70726f746f5f5fa0',
]

function codecTarget<Message>(
  name: string,
  about: string,
  codec: MessageCodec<Message>,
  messages: readonly Message[],
): FuzzTarget {
  return pureTarget(
    {
      name,
      about,
      maxBytes: 16_384,
      dictionary: [...HEADS, ...MORE_HEADS].map(hex => Buffer.from(hex, 'hex')),
      seeds: () => messages.map(message => codec.encode(message)),
      mutate: mutateCbor,
    },
    input => {
      const message = refusing(['MESSAGE_INVALID'], () => codec.decode(input))
      if (message === undefined) return
      assert.equal(Object.getPrototypeOf(message), Object.prototype)
      const wire = codec.encode(message)
      assert.deepEqual(codec.decode(wire), message)
      assert.deepEqual(codec.encode(codec.decode(wire)), wire)
    },
  )
}

/** Messages over the streams of peers. */
export const MESSAGE_TARGETS: readonly FuzzTarget[] = [
  codecTarget('control-to-supernode', 'control messages of peers', peerToSupernodeCodec, [
    { type: 'hello', addresses: [ADDRESS], labels: { zone: 'a', rack: 'r1' }, agent: 'dfget/1', keeps: true },
    { type: 'join', task, ticket: 'AAAA', have, priority: 'background' },
    { type: 'offer', task, have },
    { type: 'leave', task },
    { type: 'have', task, blocks: [0, 1, 70_000] },
    { type: 'hungry', task, blocks: [] },
    { type: 'refused', task, code: 'STORE_FULL' },
    { type: 'fetched', task },
    { type: 'not-fetched', task, code: 'BLOCK_LATE' },
    { type: 'ping' },
    { type: 'report', task, about: PEER, kind: 'corrupt' },
  ]),
  codecTarget('control-to-peer', 'control messages of the supernode', supernodeToPeerCodec, [
    { type: 'map', task, blockSizeBytes: 1_048_576, from: 0, digests: new Uint8Array(64), sizeBytes: 1_500_000 },
    { type: 'grant', task, blocks: [3] },
    { type: 'connect', task, peers: [{ id: PEER, addresses: [ADDRESS] }] },
    { type: 'disconnect', task, peers: [PEER] },
    { type: 'fetch', task, source: { url: 'https://r.example/v2/a/blobs/b', identity: { tag: 't', filter: ['s'] } } },
    { type: 'stop-fetch', task },
    { type: 'pong' },
    { type: 'failed', task, code: 'ORIGIN_FAILED' },
  ]),
  codecTarget('inventory', 'messages between neighbours', inventoryCodec, [
    { type: 'join', task, ticket: 'AAAA', have },
    { type: 'lost', task, blocks: [9] },
    { type: 'leave', task },
  ]),
  codecTarget('block-request', 'requests for blocks', blockRequestCodec, [
    { type: 'open', task, ticket: 'AAAA' },
    { type: 'get', id: 4_294_967_295, task, block: 5, count: 256 },
    { type: 'cancel', id: 1 },
  ]),
  codecTarget('block-refusal', 'refusals of blocks', blockRefusalCodec, [
    { type: 'refused', id: 7, count: 1, reason: 'busy' },
  ]),
]
