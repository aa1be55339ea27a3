import { describe, expect, test } from 'vitest'
import { MAX_BLOCK_BYTES } from '../../../protocol/block-size.ts'
import {
  encodeCut,
  encodeDataHeader,
  encodeMessageFrame,
  encodeMoreHeader,
  FrameDecoder,
  MAX_MESSAGE_BYTES,
} from '../../../protocol/frame.ts'

function decoder() {
  const events: unknown[] = []
  const frames = new FrameDecoder({
    message: bytes => events.push(['message', bytes.length]),
    dataStart(id, lengthBytes) {
      events.push(['start', id, lengthBytes])
      return undefined
    },
    dataEnd: id => events.push(['end', id]),
    dataCut: id => events.push(['cut', id]),
  })
  return { frames, events }
}

function header(lengthBytes: number, kind: number, more = 0): Buffer {
  const bytes = Buffer.alloc(5 + more)
  bytes.writeUInt32BE(lengthBytes)
  bytes.writeUInt8(kind, 4)
  return bytes
}

describe('a frame', () => {
  test('has its length in front', () => {
    expect([...encodeMessageFrame(Uint8Array.of(1, 2, 3))]).toEqual([0, 0, 0, 3, 0, 1, 2, 3])
    expect([...encodeDataHeader(0x01020304, 256)]).toEqual([0, 0, 1, 8, 1, 1, 2, 3, 4, 0, 0, 1, 0])
    expect([...encodeDataHeader(0x01020304, 256, 2)]).toEqual([0, 0, 0, 10, 1, 1, 2, 3, 4, 0, 0, 1, 0])
    expect([...encodeMoreHeader(254)]).toEqual([0, 0, 0, 254, 2])
    expect([...encodeCut()]).toEqual([0, 0, 0, 0, 3])
  })

  test('may be as long as the limit', () => {
    const { frames, events } = decoder()
    frames.push(encodeMessageFrame(new Uint8Array(MAX_MESSAGE_BYTES)))
    frames.push(encodeDataHeader(7, MAX_BLOCK_BYTES))
    frames.push(new Uint8Array(MAX_BLOCK_BYTES))
    expect(events).toEqual([
      ['message', MAX_MESSAGE_BYTES],
      ['start', 7, MAX_BLOCK_BYTES],
      ['end', 7],
    ])
  })

  test('without content is one all the same', () => {
    const { frames, events } = decoder()
    frames.push(Buffer.concat([encodeMessageFrame(new Uint8Array()), encodeDataHeader(9, 0)]))
    expect(events).toEqual([
      ['message', 0],
      ['start', 9, 0],
      ['end', 9],
    ])
  })

  test.for([
    ['a message over the limit', header(MAX_MESSAGE_BYTES + 1, 0), 'FRAME_TOO_LARGE'],
    ['the longest announcement', header(2 ** 32 - 1, 0), 'FRAME_TOO_LARGE'],
    ['data over the limit', header(MAX_BLOCK_BYTES + 9, 1), 'FRAME_TOO_LARGE'],
    ['a block over the limit', encodeDataHeader(1, MAX_BLOCK_BYTES + 1, 1), 'FRAME_TOO_LARGE'],
    ['more data than its block has', encodeDataHeader(1, 10, 11), 'MESSAGE_INVALID'],
    ['data without a request id', header(3, 1), 'MESSAGE_INVALID'],
    ['more of no block', encodeMoreHeader(1), 'MESSAGE_INVALID'],
    ['the cut of no block', encodeCut(), 'MESSAGE_INVALID'],
    ['an unknown kind', header(0, 4), 'MESSAGE_INVALID'],
  ] as const)('that is %s is refused before its body comes', ([, bytes, code]) => {
    expect(() => decoder().frames.push(bytes)).toThrow(expect.objectContaining({ code }))
  })

  test('may come between those of a block', () => {
    const { frames, events } = decoder()
    frames.push(encodeDataHeader(7, 5, 2))
    frames.push(new Uint8Array(2))
    frames.push(encodeMessageFrame(new Uint8Array(3)))
    frames.push(encodeMoreHeader(3))
    frames.push(new Uint8Array(3))
    expect(events).toEqual([
      ['start', 7, 5],
      ['message', 3],
      ['end', 7],
    ])
  })

  test('that cuts a block makes room for the next', () => {
    const { frames, events } = decoder()
    frames.push(Buffer.concat([encodeDataHeader(7, 5, 2), new Uint8Array(2), encodeCut(), encodeDataHeader(8, 0)]))
    expect(events).toEqual([
      ['start', 7, 5],
      ['cut', 7],
      ['start', 8, 0],
      ['end', 8],
    ])
  })

  test.for([
    ['begins a block in the middle of another', encodeDataHeader(8, 1)],
    ['goes on with more than the block has', encodeMoreHeader(4)],
    ['cuts with a body', header(1, 3)],
  ] as const)('that %s is refused', ([, bytes]) => {
    const { frames } = decoder()
    frames.push(Buffer.concat([encodeDataHeader(7, 5, 2), new Uint8Array(2)]))
    expect(() => frames.push(bytes)).toThrow(expect.objectContaining({ code: 'MESSAGE_INVALID' }))
  })
})
