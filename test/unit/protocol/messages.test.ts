import { encode } from 'cborg'
import { describe, expect, test } from 'vitest'
import { blockRefusalCodec, blockRequestCodec } from '../../../protocol/messages/block-exchange.ts'
import type { MessageCodec } from '../../../protocol/messages/codec.ts'
import { peerToSupernodeCodec, supernodeToPeerCodec } from '../../../protocol/messages/control.ts'
import { inventoryCodec } from '../../../protocol/messages/inventory.ts'

const task = `sha256:${'a'.repeat(64)}`
const peer = '12D3KooWF4gBM61fACw1tezY9wmCLzTrBiMnkB8mByGGTYAkuGjK'
const have = Uint8Array.of(0xf0)
const address = { id: peer, addresses: ['/ip4/10.0.0.1/tcp/4001'] }

type Row = [name: string, codec: MessageCodec<unknown>, message: Record<string, unknown>]

const MESSAGES: Row[] = [
  ...[
    { type: 'hello', addresses: ['/ip4/127.0.0.1/tcp/1'], labels: { zone: 'a' }, agent: 'x' },
    { type: 'join', task, ticket: 't', have },
    { type: 'offer', task, have },
    { type: 'leave', task },
    { type: 'have', task, blocks: [0, 5] },
    { type: 'lost', task, blocks: [] },
    { type: 'blocked', task, blocks: [2 ** 31 - 1] },
    { type: 'hungry', task, blocks: [0, 7] },
    { type: 'kept', task },
    { type: 'refused', task, code: 'STORE_FULL' },
    { type: 'fetched', task },
    { type: 'not-fetched', task, code: 'TASK_BLOCKED' },
    { type: 'ping' },
    { type: 'report', task, about: peer, kind: 'corrupt' },
  ].map((message): Row => [`up ${message.type}`, peerToSupernodeCodec as MessageCodec<unknown>, message]),
  ...[
    { type: 'map', task, blockSizeBytes: 256 * 1024, from: 0, digests: new Uint8Array(64), sizeBytes: 2 ** 53 - 1 },
    { type: 'map', task, blockSizeBytes: 4 * 1024 * 1024, from: 7, digests: new Uint8Array(0) },
    { type: 'grant', task, blocks: [1] },
    { type: 'connect', task, peers: [address] },
    { type: 'disconnect', task, peers: [peer] },
    { type: 'keep', task },
    { type: 'release', task },
    { type: 'fetch', task, source: { url: 'https://r.example/x?y=1', digest: task, identity: { tag: 'a' } } },
    { type: 'stop-fetch', task },
    { type: 'pong' },
    { type: 'expelled', peers: [{ id: peer, until: 2 ** 53 - 1 }] },
    { type: 'failed', task, code: 'ORIGIN_FAILED' },
  ].map((message): Row => [`down ${message.type}`, supernodeToPeerCodec as MessageCodec<unknown>, message]),
  ...[
    { type: 'join', task, ticket: 't', have },
    { type: 'offer', task, have },
    { type: 'have', task, blocks: [1] },
    { type: 'lost', task, blocks: [1] },
    { type: 'leave', task },
  ].map((message): Row => [`inventory ${message.type}`, inventoryCodec as MessageCodec<unknown>, message]),
  ...[
    { type: 'open', task, ticket: 't' },
    { type: 'get', id: 2 ** 32 - 1, task, block: 3, count: 256 },
    { type: 'cancel', id: 0 },
  ].map((message): Row => [`block ${message.type}`, blockRequestCodec as MessageCodec<unknown>, message]),
  ['block refused', blockRefusalCodec as MessageCodec<unknown>, { type: 'refused', id: 1, count: 3, reason: 'busy' }],
]

const INVALID = expect.objectContaining({ code: 'MESSAGE_INVALID' })
const OPTIONAL = new Set(['sizeBytes'])
const WRONG_VALUES = [null, -1, 1.5, 'x'.repeat(2_000), {}, [[]], true]

function isEmptyObject(value: unknown): boolean {
  return JSON.stringify(value) === '{}'
}

describe.for(MESSAGES)('message %s', ([, codec, message]) => {
  test('comes out as it went in', () => {
    expect(codec.decode(codec.encode(message))).toEqual(message)
  })

  test('is refused with an unknown field', () => {
    expect(() => codec.decode(encode({ ...message, extra: 1 }))).toThrow(INVALID)
  })

  test('is refused without any of its fields', () => {
    for (const field of Object.keys(message).filter(name => !OPTIONAL.has(name))) {
      const { [field]: _, ...rest } = message
      expect(() => codec.decode(encode(rest)), field).toThrow(INVALID)
    }
  })

  test('is refused with fields of another type or range', () => {
    for (const field of Object.keys(message)) {
      for (const value of WRONG_VALUES) {
        // All labels are optional.
        if (field === 'labels' && isEmptyObject(value)) continue
        expect(() => codec.decode(encode({ ...message, [field]: value })), `${field} ${value}`).toThrow(INVALID)
      }
    }
  })

  test('is refused when it is cut short or goes on', () => {
    const bytes = codec.encode(message)
    for (let length = 0; length < bytes.length; length++) {
      expect(() => codec.decode(bytes.subarray(0, length))).toThrow(INVALID)
    }
    expect(() => codec.decode(Buffer.concat([bytes, Uint8Array.of(0)]))).toThrow(INVALID)
  })
})

test.for([
  ['a task id that is none', { type: 'leave', task: '../../etc/passwd' }],
  ['a block index over the limit', { type: 'have', task, blocks: [2 ** 31] }],
  ['too many blocks', { type: 'have', task, blocks: Array(16_385).fill(0) }],
  ['too many addresses', { type: 'hello', addresses: Array(17).fill('/ip4/1.1.1.1/tcp/1'), labels: {}, agent: '' }],
  ...[
    { Row: '1' },
    { '-row': '1' },
    { 'row\n': '1' },
    { ['r'.repeat(65)]: '1' },
    { row: 'x'.repeat(257) },
    { row: 1 },
    Object.fromEntries(Array.from({ length: 33 }, (_, at) => [`row${at}`, ''])),
  ].map(labels => ['a bad label', { type: 'hello', addresses: [], labels, agent: '' }] as const),
  ['a peer id that is none', { type: 'report', task, about: '0OIl', kind: 'corrupt' }],
  ['an unknown kind of report', { type: 'report', task, about: peer, kind: 'rude' }],
])('%s is refused', ([, message]) => {
  expect(() => peerToSupernodeCodec.decode(encode(message))).toThrow(INVALID)
})

test.for([
  ['a size above 2^53', { sizeBytes: 2 ** 53 }],
  ['a block size that we would not choose', { blockSizeBytes: 300_000 }],
  ['digests as text', { digests: 'aa' }],
])('%s is refused in a block map', ([, fields]) => {
  const map = { type: 'map', task, blockSizeBytes: 256 * 1024, from: 0, digests: new Uint8Array(32) }
  expect(() => supernodeToPeerCodec.decode(encode({ ...map, ...(fields as object) }))).toThrow(INVALID)
})

test.for([
  { zone: 'a' },
  { zone: 'a', idc: 'b', rack: '' },
  { pool: 'gpu', 'node.example.com/team-a': 'x'.repeat(256), 7: 'é' },
  Object.fromEntries(Array.from({ length: 32 }, (_, at) => [`row${at}`, `${at}`])),
])('a peer may call itself %o', labels => {
  const hello = { type: 'hello', addresses: [], labels, agent: '' }
  expect(peerToSupernodeCodec.decode(encode(hello))).toEqual(hello)
})

test.for([
  ['headers', { url: 'https://r.example/x', headers: { authorization: 'a' } }],
  ['credentials', { url: 'https://r.example/x', credentials: { username: 'a', password: 'b' } }],
  ['a user in the URL', { url: 'https://a:b@r.example/x' }],
  ['a user in the URL, in another spelling', { url: 'https://a:b\\@r.example/x' }],
  ['an URL of another kind', { url: 's3://bucket/x' }],
])('a peer is never told to fetch with %s', ([, source]) => {
  expect(() => supernodeToPeerCodec.decode(encode({ type: 'fetch', task, source }))).toThrow(INVALID)
})

test('a key that comes twice is refused', () => {
  // {"type": "ping", "type": "ping"}
  const pair = [0x64, ...Buffer.from('type'), 0x64, ...Buffer.from('ping')]
  expect(() => peerToSupernodeCodec.decode(Uint8Array.of(0xa2, ...pair, ...pair))).toThrow(INVALID)
})

test.for([
  ['a time past what a number can say', [{ id: peer, until: 2 ** 53 }]],
  ['an expulsion without an end', [{ id: peer }]],
  ['too many expulsions', Array(1_025).fill({ id: peer, until: 1 })],
])('%s is refused', ([, peers]) => {
  expect(() => supernodeToPeerCodec.decode(encode({ type: 'expelled', peers }))).toThrow(INVALID)
})
