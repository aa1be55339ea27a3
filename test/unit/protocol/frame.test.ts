import { describe, expect, test } from 'vitest'
import { MAX_BLOCK_BYTES } from '../../../protocol/block-size.ts'
import { encodeDataHeader, encodeMessageFrame, FrameDecoder, MAX_MESSAGE_BYTES } from '../../../protocol/frame.ts'

function decoder() {
  const events: unknown[] = []
  const frames = new FrameDecoder({
    message: bytes => events.push(['message', bytes.length]),
    dataStart(id, lengthBytes) {
      events.push(['start', id, lengthBytes])
      return undefined
    },
    dataEnd: id => events.push(['end', id]),
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
    expect([...encodeDataHeader(0x01020304, 256)]).toEqual([0, 0, 1, 4, 1, 1, 2, 3, 4])
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
    ['data over the limit', header(MAX_BLOCK_BYTES + 5, 1), 'FRAME_TOO_LARGE'],
    ['data without a request id', header(3, 1), 'MESSAGE_INVALID'],
    ['an unknown kind', header(0, 2), 'MESSAGE_INVALID'],
  ] as const)('that is %s is refused before its body comes', ([, bytes, code]) => {
    expect(() => decoder().frames.push(bytes)).toThrow(expect.objectContaining({ code }))
  })
})
