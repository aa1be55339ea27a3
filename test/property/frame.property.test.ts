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

test('frames come out as they went in, however the stream is cut', () => {
  fc.assert(
    fc.property(
      fc.array(item, { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (items, cuts) => {
        const seen: Item[] = []
        let next = 0
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
          decoder.push(stream.subarray(at, at + length))
          at += length
        }
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
