import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeDataHeader, encodeMessageFrame, FrameDecoder } from '../../protocol/frame.ts'

type Item = { kind: 'message'; bytes: Uint8Array } | { kind: 'data'; id: number; bytes: Uint8Array; wanted: boolean }

const bytes = fc.uint8Array({ maxLength: 300 })
const item: fc.Arbitrary<Item> = fc.oneof(
  fc.record({ kind: fc.constant('message' as const), bytes }),
  fc.record({
    kind: fc.constant('data' as const),
    id: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    bytes,
    wanted: fc.boolean(),
  }),
)

function encode(items: readonly Item[]): Buffer {
  return Buffer.concat(
    items.flatMap(one =>
      one.kind === 'message'
        ? [encodeMessageFrame(one.bytes)]
        : [encodeDataHeader(one.id, one.bytes.length), one.bytes],
    ),
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
        const seen: Item[] = []
        let next = 0
        let dataBytes = 0
        let current: { id: number; bytes: Uint8Array; wanted: boolean } | undefined
        const decoder = new FrameDecoder({
          message(message) {
            seen.push({ kind: 'message', bytes: message })
            next++
          },
          dataStart(id, lengthBytes) {
            const expected = items[next]
            const wanted = expected?.kind === 'data' && expected.wanted
            current = { id, bytes: new Uint8Array(lengthBytes), wanted }
            return wanted ? current.bytes : undefined
          },
          dataEnd(id) {
            expect(current?.id).toBe(id)
            if (current !== undefined) seen.push({ kind: 'data', ...current })
            next++
          },
        })
        const stream = encode(items)
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const length = cuts[turn % cuts.length] ?? 1
          dataBytes += feed(decoder, stream.subarray(at, at + length)) ?? 0
          at += length
        }
        const allData = items.reduce((sum, one) => sum + (one.kind === 'data' ? one.bytes.length : 0), 0)
        if (feed !== FEEDS['at once']) expect(dataBytes).toBe(allData)
        const given = items.map(one =>
          one.kind === 'data' && !one.wanted ? { ...one, bytes: new Uint8Array(one.bytes.length) } : one,
        )
        expect(seen).toEqual(given)
      },
    ),
  )
})

test('arbitrary bytes are refused or taken, but never break the decoder', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), noise => {
      const decoder = new FrameDecoder({ message() {}, dataStart: () => undefined, dataEnd() {} })
      try {
        decoder.push(noise)
      } catch (error) {
        expect(['FRAME_TOO_LARGE', 'MESSAGE_INVALID']).toContain((error as { code?: string }).code)
      }
    }),
  )
})
