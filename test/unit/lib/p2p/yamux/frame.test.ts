import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeHeader, encodeHeader, Flag, FrameType, HEADER_BYTES } from '../../../../../lib/p2p/yamux/frame.ts'
import { frameHeader } from '../../../../helpers/yamux-frames.ts'

test('a header comes out as it went in', () => {
  fc.assert(
    fc.property(frameHeader, header => {
      const bytes = encodeHeader(header)
      expect(bytes.length).toBe(HEADER_BYTES)
      expect(decodeHeader(bytes)).toEqual(header)
    }),
  )
})

test('a header is read from the middle of other bytes', () => {
  const header = { type: FrameType.ping, flags: Flag.ack, stream: 0, length: 7 }
  const bytes = Buffer.concat([Buffer.alloc(5, 0xff), encodeHeader(header), Buffer.alloc(5, 0xff)])
  expect(decodeHeader(bytes.subarray(5))).toEqual(header)
})

test.each([
  [{ type: FrameType.data, flags: Flag.syn, stream: 1, length: 5 }, '000000010000000100000005'],
  [
    { type: FrameType.windowUpdate, flags: Flag.ack | Flag.fin, stream: 2, length: 2 ** 18 },
    '000100060000000200040000',
  ],
  [{ type: FrameType.ping, flags: Flag.syn, stream: 0, length: 2 ** 32 - 1 }, '0002000100000000ffffffff'],
  [{ type: FrameType.windowUpdate, flags: Flag.reset, stream: 2 ** 32 - 1, length: 0 }, '00010008ffffffff00000000'],
  [{ type: FrameType.goAway, flags: 0, stream: 0, length: 1 }, '000300000000000000000001'],
])('the header %o is what the specification says', (header, hex) => {
  expect(Buffer.from(encodeHeader(header)).toString('hex')).toBe(hex)
})

test.each([
  ['another version', '010000000000000000000000'],
  ['an unknown type', '000400000000000000000000'],
])('a header of %s is refused', (_, hex) => {
  expect(() => decodeHeader(Buffer.from(hex, 'hex'))).toThrow('a yamux frame of version')
})
