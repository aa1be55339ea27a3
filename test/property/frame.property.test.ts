import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeCut,
  encodeDataHeader,
  encodeMessageFrame,
  encodeMoreHeader,
  FrameDecoder,
} from '../../protocol/frame.ts'

interface Message {
  readonly kind: 'message'
  readonly bytes: Uint8Array
}

interface Data {
  readonly kind: 'data'
  readonly id: number
  readonly bytes: Uint8Array
  readonly wanted: boolean
  /** Where the block is divided into frames. */
  readonly divisions: readonly number[]
  /** The number of its frames after which it is cut, if it has so many and more. */
  readonly cutAfter: number
}

type Item = Message | Data

const bytes = fc.uint8Array({ maxLength: 300 })
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant('message' as const), bytes }),
  fc.record({
    kind: fc.constant('data' as const),
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    bytes,
    wanted: fc.boolean(),
    divisions: fc.array(fc.nat({ max: 300 }), { maxLength: 3 }),
    cutAfter: fc.nat({ max: 6 }),
  }),
)

/** The frames' worth of bytes of a block. The last is missing where it is cut. */
function piecesOf({ bytes, divisions, cutAfter }: Data): { pieces: Uint8Array[]; isCut: boolean } {
  const at = [0, ...divisions.map(each => Math.min(each, bytes.length)).sort((a, b) => a - b), bytes.length]
  const pieces = at.slice(1).map((end, index) => bytes.subarray(at[index], end))
  const kept = pieces.slice(0, Math.max(1, cutAfter))
  const isCut = kept.reduce((sum, { length }) => sum + length, 0) < bytes.length
  return { pieces: isCut ? kept : pieces, isCut }
}

function encodeData(data: Data): Uint8Array[] {
  const { pieces, isCut } = piecesOf(data)
  const frames = pieces.flatMap((piece, index) => {
    if (index === 0) return [encodeDataHeader(data.id, data.bytes.length, piece.length), piece]
    // A block is at its end with its last byte.
    return piece.length === 0 ? [] : [encodeMoreHeader(piece.length), piece]
  })
  return isCut ? [...frames, encodeCut()] : frames
}

/** What arrives of an item. */
function arrivalOf(one: Item): unknown {
  if (one.kind === 'message') return one
  const { pieces, isCut } = piecesOf(one)
  const bytes = new Uint8Array(one.bytes.length)
  if (one.wanted) bytes.set(Buffer.concat(pieces))
  return { kind: isCut ? 'cut' : 'data', id: one.id, bytes }
}

function encode(items: readonly Item[]): Buffer {
  return Buffer.concat(
    items.flatMap(one => (one.kind === 'message' ? [encodeMessageFrame(one.bytes)] : encodeData(one))),
  )
}

/** Ways to give a decoder a chunk. Each returns how many bytes it took for data. */
const FEEDS = {
  'at once': (decoder: FrameDecoder, chunk: Uint8Array) => {
    decoder.push(chunk)
    return undefined
  },
  'data by itself': (decoder: FrameDecoder, chunk: Uint8Array) => {
    let dataBytes = 0
    for (let rest = chunk; rest.length > 0; ) {
      rest = rest.subarray(decoder.pushUpToData(rest))
      const data = rest.subarray(0, decoder.dataLeft)
      decoder.push(data)
      dataBytes += data.length
      rest = rest.subarray(data.length)
    }
    return dataBytes
  },
} as const

test.for(Object.entries(FEEDS))('frames come out as they went in, however the stream is cut: %s', ([, feed]) => {
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (items, cuts) => {
        const seen: unknown[] = []
        let next = 0
        let dataBytes = 0
        let current: { id: number; bytes: Uint8Array } | undefined
        const decoder = new FrameDecoder({
          message(message) {
            seen.push({ kind: 'message', bytes: message })
            next++
          },
          dataStart(id, lengthBytes) {
            const expected = items[next]
            const wanted = expected?.kind === 'data' && expected.wanted
            current = { id, bytes: new Uint8Array(lengthBytes) }
            return wanted ? current.bytes : undefined
          },
          dataEnd(id) {
            expect(current?.id).toBe(id)
            seen.push({ kind: 'data', ...current })
            next++
          },
          dataCut(id) {
            expect(current?.id).toBe(id)
            seen.push({ kind: 'cut', ...current })
            next++
          },
        })
        const stream = encode(items)
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = cuts[turn % cuts.length] ?? 1
          dataBytes += feed(decoder, stream.subarray(at, at + length)) ?? 0
          at += length
        }
        const sent = items.flatMap(one => (one.kind === 'data' ? piecesOf(one).pieces : []))
        if (feed !== FEEDS['at once']) expect(dataBytes).toBe(sent.reduce((sum, { length }) => sum + length, 0))
        expect(seen).toEqual(items.map(arrivalOf))
      },
    ),
  )
})

test('arbitrary bytes are refused or taken, but never break the decoder', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
      const decoder = new FrameDecoder({ message() {}, dataStart: () => undefined, dataEnd() {}, dataCut() {} })
      try {
        decoder.push(noise)
      } catch (error) {
        expect(['FRAME_TOO_LARGE', 'MESSAGE_INVALID']).toContain((error as { code?: string }).code)
      }
    }),
  )
})
