import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  LENGTH_BYTES,
  MAX_TEXT_BYTES,
  sealedBytes,
  TAG_BYTES,
  unseal,
} from '../../../../../lib/p2p/records/record-cipher.ts'
import { SECRET_BYTES } from '../../../../../lib/p2p/records/record-keys.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { cutBytes, cutLengths } from '../../../../helpers/cut-bytes.ts'
import { keyPair, openRecords, type RecordEnds, recordDecoder, sealPieces } from '../../../../helpers/records.ts'

/** Around the edges of a record, and what is usual. */
const pieceLengths = fc.array(
  fc.oneof(
    fc.constantFrom(0, 1, MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES, MAX_TEXT_BYTES + 1, 3 * MAX_TEXT_BYTES),
    fc.nat({ max: 300 }),
    fc.nat({ max: 100_000 }),
  ),
  { minLength: 1, maxLength: 5 },
)

test('any pieces come out as they went in, however the records are cut', () => {
  fc.assert(
    fc.property(fc.array(pieceLengths, { minLength: 1, maxLength: 3 }), cutLengths, (batches, cuts) => {
      const { sending, receiving } = keyPair()
      const text: Uint8Array[] = []
      const decoder = recordDecoder(sealed => text.push(unseal(receiving, sealed)))
      const given: Uint8Array[] = []
      for (const [index, lengths] of batches.entries()) {
        const pieces = lengths.map((length, at) => seededBytes(length, `${index} ${at}`))
        if (lengths.every(length => length === 0)) continue
        given.push(...pieces)
        for (const chunk of cutBytes(sealPieces(sending, pieces), cuts)) decoder.push(chunk)
      }
      expect(Buffer.concat(text).equals(Buffer.concat(given))).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test.each([0, 1, MAX_TEXT_BYTES - 1, MAX_TEXT_BYTES, MAX_TEXT_BYTES + 1, 2 * MAX_TEXT_BYTES, 1_000_000])(
  'as many bytes are said to be needed for a text of %d as are',
  textBytes => {
    const { sending } = keyPair()
    const lengths: number[] = []
    if (textBytes > 0) {
      const sealed = sealPieces(sending, [new Uint8Array(textBytes)])
      expect(sealed.length).toBe(sealedBytes(textBytes))
      recordDecoder(record => lengths.push(record.length - TAG_BYTES)).push(sealed)
    }
    expect(sealedBytes(textBytes)).toBe(textBytes + lengths.length * (LENGTH_BYTES + TAG_BYTES))
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(textBytes)
  },
)

test('nothing of the text is readable in a record', () => {
  const { sending } = keyPair()
  const text = seededBytes(1000)
  expect(Buffer.from(sealText(sending, text)).includes(Buffer.from(text.subarray(0, 16)))).toBe(false)
})

test('a record with a changed byte is refused, wherever the byte is', () => {
  const text = seededBytes(40)
  const length = sealedBytes(text.length)
  for (let at = 0; at < length; at++) {
    const { sending, receiving } = keyPair()
    const sealed = sealText(sending, text)
    // Something follows, for a length that has become larger.
    const following = Array.from({ length: 5 }, () => sealText(sending, seededBytes(MAX_TEXT_BYTES)))
    sealed[at] = (sealed[at] ?? 0) ^ 1
    expect(() => openRecords(receiving, [sealed, ...following]), `byte ${at}`).toThrow()
  }
})

test.each([
  ['replayed', ([first, second]) => [first, first, second]],
  ['dropped', ([, second]) => [second]],
  ['swapped with the next', ([first, second]) => [second, first]],
] satisfies [string, (records: [Uint8Array, Uint8Array]) => Uint8Array[]][])(
  'a record that is %s is refused',
  (_, change) => {
    const { sending, receiving } = keyPair()
    const records: [Uint8Array, Uint8Array] = [sealText(sending, seededBytes(100)), sealText(sending, seededBytes(100))]
    expect(() => openRecords(receiving, change(records))).toThrow()
  },
)

test('a record cannot be cut short', () => {
  const { sending, receiving } = keyPair()
  const sealed = Buffer.from(sealText(sending, seededBytes(100)))
  const short = sealed.subarray(0, sealed.length - 1)
  short.writeUInt32BE(99)
  expect(() => openRecords(receiving, [short])).toThrow()
})

test('a record that is sent back to its sender is refused', () => {
  const { sending } = keyPair()
  const { receiving } = keyPair({ direction: 'from-responder' })
  expect(() => openRecords(receiving, [sealText(sending, seededBytes(100))])).toThrow()
})

test('who knows another secret reads nothing', () => {
  const secrets = seededBytes(2 * SECRET_BYTES)
  const { sending } = keyPair({ secrets })
  const sealed = sealText(sending, seededBytes(100))
  expect(openRecords(keyPair({ secrets }).receiving, [sealed]).length).toBe(100)
  for (const at of [0, SECRET_BYTES - 1, SECRET_BYTES, 2 * SECRET_BYTES - 1]) {
    const others = Uint8Array.from(secrets)
    others[at] = (others[at] ?? 0) ^ 1
    expect(() => openRecords(keyPair({ secrets: others }).receiving, [sealed]), `byte ${at}`).toThrow()
  }
})

test('both ends change keys at the same record, again and again', () => {
  const { sending, receiving } = keyPair({ recordsPerKey: 3 })
  for (let round = 0; round < 20; round++) {
    const text = seededBytes(2 * MAX_TEXT_BYTES + round, `${round}`)
    expect(Buffer.from(openRecords(receiving, [sealText(sending, text)])).equals(text)).toBe(true)
  }
})

test('an end that has not changed keys does not read on', () => {
  const { sending } = keyPair({ recordsPerKey: 2 })
  const { receiving } = keyPair({ recordsPerKey: 1000 })
  const records = Array.from({ length: 3 }, (_, index) => sealText(sending, seededBytes(10, `${index}`)))
  expect(openRecords(receiving, records.slice(0, 2)).length).toBe(20)
  expect(() => openRecords(receiving, records.slice(2))).toThrow()
})

function sealText(keys: RecordEnds['sending'], text: Uint8Array): Uint8Array {
  return sealPieces(keys, [text])
}
