import fc from 'fast-check'
import { expect, test } from 'vitest'
import { YamuxDecoder } from '../../../../../lib/p2p/yamux/decoder.ts'
import { encodeHeader, type FrameHeader, FrameType, HEADER_BYTES } from '../../../../../lib/p2p/yamux/frame.ts'
import { cutBytes, cutLengths } from '../../../../helpers/cut-bytes.ts'
import { frameHeader } from '../../../../helpers/yamux-frames.ts'

interface Frame {
  readonly header: FrameHeader
  readonly data: Uint8Array
}

/** A frame; what a data frame says of its length is true. */
const frame: fc.Arbitrary<Frame> = fc
  .tuple(frameHeader, fc.uint8Array({ maxLength: 100 }))
  .map(([header, data]) =>
    header.type === FrameType.data
      ? { header: { ...header, length: data.length }, data }
      : { header, data: new Uint8Array(0) },
  )

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 10 }), cutLengths, (frames, cuts) => {
      const { decoder, seen } = decoderThatNotes()
      const stream = Buffer.concat(frames.flatMap(({ header, data }) => [encodeHeader(header), data]))
      for (const chunk of cutBytes(stream, cuts)) decoder.push(chunk)
      expect(seen()).toEqual(frames.flatMap(({ header, data }) => ['begin', header, ...data, 'end']))
    }),
  )
})

test('a frame begins when its header is here, and its data are passed on before the rest comes', () => {
  const { decoder, seen } = decoderThatNotes()
  const header = { type: FrameType.data, flags: 0, stream: 1, length: 2 ** 32 - 1 }
  decoder.push(encodeHeader(header))
  expect(seen()).toEqual(['begin', header])
  decoder.push(Uint8Array.of(1, 2))
  expect(seen()).toEqual(['begin', header, 1, 2])
})

test('a frame without data ends as it begins', () => {
  const { decoder, seen } = decoderThatNotes()
  const header = { type: FrameType.data, flags: 4, stream: 1, length: 0 }
  decoder.push(encodeHeader(header))
  expect(seen()).toEqual(['begin', header, 'end'])
})

test('a frame of another version is refused when its header is complete', () => {
  const { decoder, seen } = decoderThatNotes()
  const bytes = encodeHeader({ type: FrameType.ping, flags: 0, stream: 0, length: 0 })
  bytes[0] = 1
  decoder.push(bytes.subarray(0, HEADER_BYTES - 1))
  expect(() => decoder.push(bytes.subarray(HEADER_BYTES - 1))).toThrow('version 1')
  expect(seen()).toEqual([])
})

/** A decoder and what it called: beginnings and ends by name, headers, and the data byte by byte. */
function decoderThatNotes() {
  const seen: unknown[] = []
  const decoder = new YamuxDecoder({
    begin: header => seen.push('begin', header),
    data: bytes => seen.push(...bytes),
    end: () => seen.push('end'),
  })
  return { decoder, seen: () => seen }
}
