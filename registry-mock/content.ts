import type { ByteRange } from '../protocol/range.ts'

/** Bytes per read while content is sent: large enough that the cost per piece does not show. */
export const READ_CHUNK_BYTES = 512 * 1024

/** Immutable bytes that can be read from any offset, wherever they are kept. */
export interface Content {
  readonly sizeBytes: number
  /** Yields the range in pieces of at most `READ_CHUNK_BYTES`. A piece belongs to the reader. */
  read(range: ByteRange): AsyncIterable<Uint8Array>
  /** Gives the place of the bytes back. */
  discard?(): Promise<void>
}

/** Content that lies in memory, as one or several pieces. */
export function memoryContent(pieces: readonly Uint8Array[]): Content {
  const sizeBytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
  return {
    sizeBytes,
    async *read(range) {
      let pieceStart = 0
      for (const piece of pieces) {
        const from = Math.max(range.start - pieceStart, 0)
        const to = Math.min(range.end - pieceStart, piece.length)
        for (let at = from; at < to; at += READ_CHUNK_BYTES)
          yield piece.subarray(at, Math.min(at + READ_CHUNK_BYTES, to))
        pieceStart += piece.length
        if (pieceStart >= range.end) return
      }
    },
  }
}

/** The range that covers all of some content. */
export function wholeOf(content: Content): ByteRange {
  return { start: 0, end: content.sizeBytes }
}
