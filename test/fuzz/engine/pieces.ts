import { crc32 } from 'node:zlib'
import { createRandom, nextBelow } from '../../../supernode/scheduler/random.ts'

/** Cuts an input into pieces, always in the same way: a replay is cut as the first run was. Each piece is a copy. */
export function inPieces(input: Uint8Array): Uint8Array[] {
  const random = createRandom(crc32(input))
  const longest = [1, 3, 16, 300, 70_000][nextBelow(random, 5)] ?? 1
  const pieces: Uint8Array[] = []
  for (let at = 0; at < input.length; ) {
    // After many small pieces the rest comes at once, lest long inputs take long.
    const end = pieces.length > 500 ? input.length : Math.min(input.length, at + 1 + nextBelow(random, longest))
    pieces.push(Uint8Array.from(input.subarray(at, end)))
    at = end
  }
  return pieces
}
