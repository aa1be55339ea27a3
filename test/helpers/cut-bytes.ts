import fc from 'fast-check'

/** Lengths to cut bytes into, one after the other and then from the beginning: single bytes, some, many. */
export const cutLengths: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1_000, max: 200_000 })),
  { minLength: 1, maxLength: 6 },
)

/** The bytes in chunks of these lengths. Each is a copy, so that who keeps one after its turn does not see it by luck. */
export function* cutBytes(bytes: Uint8Array, lengths: readonly number[]): Generator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    // Of single bytes only so many, lest it takes long.
    const end = turn > 2000 ? bytes.length : at + length
    const chunk = bytes.slice(at, end)
    yield chunk
    chunk.fill(0xff)
    at = end
  }
}
