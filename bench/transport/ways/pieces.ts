import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { UNIT_BYTES } from './transport.ts'

/** What the transports that are compared with ours send at a time. Ours sends pieces of the same size. */
export const PIECE = randomBytes(256 * 1024)

/** Writes pieces as fast as the stream takes them. @param sizeBytes a multiple of the piece @throws the stream's error */
export async function writePieces(stream: Writable, sizeBytes: number): Promise<void> {
  for (let left = sizeBytes; left > 0; left -= PIECE.length) {
    if (!stream.write(PIECE)) await once(stream, 'drain')
  }
}

/**
 * A request on a stream that has no messages: each of its bytes asks for a unit, so that it means the same however it is taken
 * apart on its way.
 */
export function requestFor(sizeBytes: number): Uint8Array {
  return new Uint8Array(sizeBytes / UNIT_BYTES)
}

/** How many bytes a part of a request asks for. */
export function askedFor(part: Pick<Uint8Array, 'byteLength'>): number {
  return part.byteLength * UNIT_BYTES
}
