import assert from 'node:assert/strict'
import { HandshakeStream } from '../../../lib/p2p/records/handshake-stream.ts'
import { unseal } from '../../../lib/p2p/records/record-cipher.ts'
import { YamuxDecoder } from '../../../lib/p2p/yamux/decoder.ts'
import { encodeHeader, type FrameHeader } from '../../../lib/p2p/yamux/frame.ts'
import { Muxer } from '../../../lib/p2p/yamux/muxer.ts'
import {
  encodeCut,
  encodeDataHeader,
  encodeMessageFrame,
  encodeMoreHeader,
  FrameDecoder,
} from '../../../protocol/frame.ts'
import { keyPair, recordDecoder, sealPieces } from '../../helpers/records.ts'
import { refusing } from '../engine/expected.ts'
import { inPieces } from '../engine/pieces.ts'
import { type FuzzTarget, pureTarget } from '../engine/target.ts'
import { FedStream } from './fed-stream.ts'

const WORDS = ['00000000', '00000001', '00000005', '0000000c', '00000400', '00400000', '00400008', 'ffffffff'].map(
  hex => Buffer.from(hex, 'hex'),
)

const frame = pureTarget(
  {
    name: 'frame',
    about: 'frames of messages and blocks',
    maxBytes: 16_384,
    dictionary: [...WORDS, Uint8Array.of(0, 0, 0, 0, 3), Uint8Array.of(0, 0, 0, 4, 2)],
    seeds: () => [
      Buffer.concat([encodeMessageFrame(Uint8Array.of(1, 2, 3)), encodeMessageFrame(new Uint8Array(0))]),
      Buffer.concat([
        encodeDataHeader(7, 10, 4),
        Buffer.alloc(4),
        encodeMessageFrame(Uint8Array.of(9)),
        encodeMoreHeader(6),
        Buffer.alloc(6),
      ]),
      Buffer.concat([encodeDataHeader(8, 100, 0), encodeCut(), encodeDataHeader(9, 0)]),
    ],
  },
  input => assert.deepEqual(framesOf(inPieces(input)), framesOf([input])),
)

/** What comes of frames: hashes of the data would do, and these are short. */
function framesOf(pieces: readonly Uint8Array[]): unknown[] {
  const seen: unknown[] = []
  let into: Uint8Array = new Uint8Array(0)
  const decoder = new FrameDecoder({
    message: bytes => void seen.push(['message', Buffer.from(bytes)]),
    dataStart(id, lengthBytes) {
      seen.push(['start', id, lengthBytes])
      // As a receiver does with what it did not ask for.
      into = new Uint8Array(lengthBytes > 65_536 ? 0 : lengthBytes)
      return lengthBytes > 65_536 ? undefined : into
    },
    dataEnd: id => void seen.push(['end', id, Buffer.from(into)]),
    dataCut: id => void seen.push(['cut', id]),
  })
  refusing(['FRAME_TOO_LARGE', 'MESSAGE_INVALID'], () => {
    for (const piece of pieces) decoder.push(piece)
  })
  return seen
}

const yamuxFrames = pureTarget(
  {
    name: 'yamux-frames',
    about: 'frames of streams that share a connection',
    maxBytes: 16_384,
    dictionary: WORDS,
    seeds: () => [
      yamuxBytes({ type: 1, flags: 1, stream: 1 }),
      yamuxBytes({ type: 0, stream: 1 }, 20),
      yamuxBytes({ type: 2, flags: 1, stream: 0 }),
    ],
  },
  input => {
    const at = yamuxOf([input])
    const pieced = yamuxOf(inPieces(input))
    assert.deepEqual(pieced, at)
  },
)

function yamuxBytes(header: Partial<FrameHeader>, dataBytes = 0): Uint8Array {
  return Buffer.concat([
    encodeHeader({ type: 0, flags: 0, stream: 0, length: dataBytes, ...header }),
    Buffer.alloc(dataBytes, 1),
  ])
}

function yamuxOf(pieces: readonly Uint8Array[]): unknown[] {
  const seen: unknown[] = []
  let data: Uint8Array[] = []
  const decoder = new YamuxDecoder({
    begin: header => {
      data = []
      seen.push(header)
    },
    data: bytes => void data.push(Uint8Array.from(bytes)),
    end: () => void seen.push(Buffer.concat(data)),
  })
  try {
    for (const piece of pieces) decoder.push(piece)
  } catch (error) {
    assert.match((error as Error).message, /^a yamux frame of version/)
    return seen
  }
  return [...seen, Buffer.concat(data)]
}

const MUXED: readonly Partial<FrameHeader>[] = [
  { type: 1, flags: 1, stream: 1, length: 768 * 1024 },
  { type: 1, flags: 5, stream: 3 },
  { type: 1, flags: 8, stream: 1 },
  { type: 2, flags: 1, length: 5 },
  { type: 3, length: 0 },
  { type: 1, stream: 2, length: 4096 },
]

const muxer = pureTarget(
  {
    name: 'yamux-muxer',
    about: 'a whole connection of streams: opened, fed, closed and reset by the other end',
    maxBytes: 4096,
    dictionary: [
      ...WORDS,
      ...MUXED.map(header => yamuxBytes(header)),
      yamuxBytes({ type: 0, flags: 1, stream: 5 }, 30),
    ],
    seeds: () => [
      Buffer.concat(MUXED.map(header => yamuxBytes(header))),
      Buffer.concat([
        yamuxBytes({ type: 0, flags: 1, stream: 1 }, 40),
        yamuxBytes({ type: 0, flags: 4, stream: 1 }, 3),
      ]),
    ],
  },
  async input => {
    const connection = new FedStream()
    const muxer = new Muxer(connection)
    let accepted = 0
    muxer.addEventListener('stream', ({ detail: stream }) => {
      // One echoes, one pauses, one closes, one is reset, as users of streams do.
      const kind = accepted++ % 4
      stream.addEventListener(
        'message',
        ({ data }) => void (kind === 0 && stream.status === 'open' && stream.send(data)),
      )
      if (kind === 1) stream.pause()
      else if (kind === 2) stream.close().catch(error => stream.abort(error))
      else if (kind === 3) stream.abort(new Error('not wanted'))
    })
    muxer.createStream()
    for (const piece of inPieces(input)) {
      connection.feed(piece)
      piece.fill(0xee)
    }
    await Promise.resolve()
    muxer.abort(new Error('done'))
    connection.abort(new Error('done'))
    assert.equal(muxer.streams.length, 0)
  },
)

const { sending } = keyPair()
const sealed = sealPieces(sending, [Buffer.from('hello'), Buffer.alloc(900, 7)])

const records = pureTarget(
  {
    name: 'records',
    about: 'encrypted records of a connection',
    maxBytes: 4096,
    dictionary: [...WORDS, Buffer.from('00010000', 'hex'), Buffer.from('00010001', 'hex')],
    seeds: () => [sealed, sealPieces(keyPair().sending, [Buffer.alloc(100)])],
  },
  input => {
    const once = textOf([input])
    assert.deepEqual(textOf(inPieces(input)), once)
  },
)

/** The text of records, up to what is none. */
function textOf(pieces: readonly Uint8Array[]): string {
  const { receiving } = keyPair()
  const text: Uint8Array[] = []
  const decoder = recordDecoder(record => text.push(unseal(receiving, record)))
  try {
    for (const piece of pieces) decoder.push(piece)
  } catch (error) {
    assert.match((error as Error).message, /^a record of \d+ bytes$|unable to authenticate data/)
  }
  return Buffer.concat(text).toString('hex')
}

const handshake = pureTarget(
  {
    name: 'handshake-stream',
    about: 'the end of a handshake, and what follows it',
    maxBytes: 4096,
    dictionary: WORDS,
    seeds: () => [Buffer.from(`0003aaaaaa${'0000'}0001bb${'cc'.repeat(40)}`, 'hex')],
  },
  input => {
    const connection = new FedStream()
    const stream = new HandshakeStream(connection, 3)
    const messages: Uint8Array[] = []
    const behind: Uint8Array[] = []
    stream.addEventListener('message', ({ data }) => messages.push(data.slice()))
    const pieces = inPieces(input)
    for (const [index, piece] of pieces.entries()) {
      if (index === Math.ceil(pieces.length / 2)) stream.handOver(bytes => behind.push(Uint8Array.from(bytes)))
      connection.feed(piece)
    }
    stream.handOver(bytes => behind.push(Uint8Array.from(bytes)))
    // Nothing is lost, changed or told twice.
    assert.deepEqual(Buffer.concat([...messages, ...behind]), Buffer.from(input))
    for (const message of messages) assert.equal(message.length, 2 + Buffer.from(message).readUInt16BE())
    assert(messages.length <= 3)
  },
)

/** What comes over connections, before anybody knows what it means. */
export const STREAM_TARGETS: readonly FuzzTarget[] = [frame, yamuxFrames, muxer, records, handshake]
