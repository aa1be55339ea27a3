import { expect, test } from 'vitest'
import { RecordKeys, SECRET_BYTES } from '../../../../../lib/p2p/records/record-keys.ts'
import { seededBytes } from '../../../../helpers/blob.ts'
import { keyPair } from '../../../../helpers/records.ts'

const RECORDS = 1000

test('no key comes twice with the same nonce, in both directions and over many renewals', () => {
  const secrets = seededBytes(2 * SECRET_BYTES)
  const seen = new Set<string>()
  for (const direction of ['from-initiator', 'from-responder'] as const) {
    const keys = new RecordKeys(secrets, direction, 7)
    for (let record = 0; record < RECORDS; record++) seen.add(nextOf(keys))
  }
  expect(seen.size).toBe(2 * RECORDS)
})

test('a key is used for as many records as were said, and never again', () => {
  const keys = new RecordKeys(seededBytes(2 * SECRET_BYTES), 'from-initiator', 5)
  const used = Array.from({ length: 50 }, () => keys.next().key.export().toString('hex'))
  const uses = new Map<string, number>()
  for (const key of used) uses.set(key, (uses.get(key) ?? 0) + 1)
  expect([...uses.values()]).toEqual(Array.from({ length: 10 }, () => 5))
  expect(used).toEqual([...uses.keys()].flatMap(key => Array.from({ length: 5 }, () => key)))
})

test('both ends have the same keys and nonces, renewals included', () => {
  const { sending, receiving } = keyPair({ recordsPerKey: 3 })
  for (let record = 0; record < 20; record++) expect(nextOf(receiving)).toBe(nextOf(sending))
})

test('the directions have different keys', () => {
  const secrets = seededBytes(2 * SECRET_BYTES)
  const [ours, theirs] = [new RecordKeys(secrets, 'from-initiator'), new RecordKeys(secrets, 'from-responder')]
  expect(ours.next().key.equals(theirs.next().key)).toBe(false)
})

test('the secret of each end is in the key', () => {
  const secrets = seededBytes(2 * SECRET_BYTES)
  const keys = [0, SECRET_BYTES].map(at => {
    const others = Uint8Array.from(secrets)
    others[at] = (others[at] ?? 0) ^ 1
    return nextOf(new RecordKeys(others, 'from-initiator'))
  })
  expect(new Set([nextOf(new RecordKeys(secrets, 'from-initiator')), ...keys]).size).toBe(3)
})

function nextOf(keys: RecordKeys): string {
  const { key, nonce } = keys.next()
  return `${key.export().toString('hex')} ${Buffer.from(nonce).toString('hex')}`
}
