import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { LENGTH_BYTES, MAX_TEXT_BYTES, TAG_BYTES, unseal } from '../../../../../lib/p2p/records/record-cipher.ts'
import type { RecordDecoder } from '../../../../../lib/p2p/records/record-decoder.ts'
import { SECRET_BYTES } from '../../../../../lib/p2p/records/record-keys.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { cutBytes, cutLengths } from '../../../../helpers/cut-bytes.ts'
import { keyPair, recordDecoder, sealPieces } from '../../../../helpers/records.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

test.each([0, MAX_TEXT_BYTES + 1, 2 ** 31, 2 ** 32 - 1])('a record of %d bytes is refused', textBytes => {
  expect(() => decoderOfNothing().push(headOf(textBytes))).toThrow(`a record of ${textBytes} bytes`)
})

test.each([0, MAX_TEXT_BYTES + 1, 2 ** 32 - 1])('no memory is taken for a record of %d bytes', textBytes => {
  const taken = vi.spyOn(Buffer, 'allocUnsafeSlow')
  expect(() => decoderOfNothing().push(headOf(textBytes))).toThrow()
  expect(taken).not.toHaveBeenCalled()
})

test('a length that comes byte by byte is refused before what follows it is kept', () => {
  const decoder = decoderOfNothing()
  const head = headOf(MAX_TEXT_BYTES + 1)
  expect(() => {
    for (const byte of head.subarray(0, LENGTH_BYTES)) decoder.push(Uint8Array.of(byte))
    decoder.push(Uint8Array.of(0))
  }).toThrow(`a record of ${MAX_TEXT_BYTES + 1} bytes`)
})

test('the smallest and the largest record are found', () => {
  const lengths: number[] = []
  const decoder = recordDecoder(sealed => lengths.push(sealed.length))
  for (const textBytes of [1, MAX_TEXT_BYTES]) {
    decoder.push(Buffer.concat([headOf(textBytes).subarray(0, LENGTH_BYTES), new Uint8Array(textBytes + TAG_BYTES)]))
  }
  expect(lengths).toEqual([1 + TAG_BYTES, MAX_TEXT_BYTES + TAG_BYTES])
})

test('connections whose records come in turns do not see bytes of each other', () => {
  fc.assert(
    fc.property(fc.array(cutLengths, { minLength: 2, maxLength: 20 }), connections => {
      const ends = connections.map((cuts, index) => startConnection(index, cuts))
      // One chunk of each, and again, so that all are in the middle of a record at the same time.
      for (let running = ends; running.length > 0; ) running = running.filter(end => end.takeChunk())
      for (const { text, given } of ends) expect(Buffer.concat(text).equals(given)).toBe(true)
    }),
    { numRuns: 20 },
  )
})

/** A connection of its own keys and content, whose records come in chunks of these lengths. */
function startConnection(index: number, cuts: readonly number[]) {
  const { sending, receiving } = keyPair({ secrets: seededBytes(2 * SECRET_BYTES, `${index}`) })
  const text: Uint8Array[] = []
  const decoder = recordDecoder(sealed => text.push(unseal(receiving, sealed)))
  const given = seededBytes(100_000 + index, `text ${index}`)
  const chunks = cutBytes(sealPieces(sending, [given]), cuts)
  function takeChunk(): boolean {
    const { value, done } = chunks.next()
    if (value !== undefined) decoder.push(value)
    return done !== true
  }
  return { text, given, takeChunk }
}

/** The beginning of a record with this length, a byte longer than the length itself. */
function headOf(textBytes: number): Buffer {
  const head = Buffer.alloc(LENGTH_BYTES + 1)
  head.writeUInt32BE(textBytes)
  return head
}

function decoderOfNothing(): RecordDecoder {
  return recordDecoder(() => expect.unreachable('a record'))
}
