import { unseal } from '../../lib/p2p/records/record-cipher.ts'
import { LARGEST_BYTES, RecordDecoder } from '../../lib/p2p/records/record-decoder.ts'
import { type Direction, RecordKeys, SECRET_BYTES } from '../../lib/p2p/records/record-keys.ts'
import { RecordSealer } from '../../lib/p2p/records/record-sealer.ts'
import { SpareMemory } from '../../lib/p2p/records/spare-memory.ts'
import { seededBytes } from './blob.ts'

/** The keys of one direction, as each of the two ends has them. */
export interface RecordEnds {
  readonly sending: RecordKeys
  readonly receiving: RecordKeys
}

export interface KeyPairInit {
  /** What both ends contributed; the same for all who do not say. */
  readonly secrets?: Uint8Array
  readonly direction?: Direction
  readonly recordsPerKey?: number
}

/** Makes the keys of one direction of a connection, for both ends. */
export function keyPair({
  secrets = seededBytes(2 * SECRET_BYTES, 'secrets'),
  direction = 'from-initiator',
  recordsPerKey,
}: KeyPairInit = {}): RecordEnds {
  const make = () => new RecordKeys(secrets, direction, recordsPerKey)
  return { sending: make(), receiving: make() }
}

/** Seals pieces into records, in memory of their own. */
export function sealPieces(keys: RecordKeys, pieces: readonly Uint8Array[]): Uint8Array {
  const sealer = new RecordSealer(keys)
  for (const piece of pieces) sealer.add(piece)
  return Buffer.concat(sealer.take())
}

/** A decoder with memory of its own. */
export function recordDecoder(record: (sealed: Uint8Array) => void): RecordDecoder {
  return new RecordDecoder(new SpareMemory(LARGEST_BYTES), record)
}

/** The text of sealed records. @throws what decoder and cipher throw */
export function openRecords(keys: RecordKeys, sealed: Iterable<Uint8Array>): Uint8Array {
  const text: Uint8Array[] = []
  const decoder = recordDecoder(record => text.push(unseal(keys, record)))
  for (const chunk of sealed) decoder.push(chunk)
  return Buffer.concat(text)
}
