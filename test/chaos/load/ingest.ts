import { createDigester } from '../../../protocol/digest.ts'
import type { ChaosBlob } from '../cluster/registry-words.ts'
import { type AskOptions, askHosts, type Hosts, wordsOf } from './hosts.ts'

/** Pieces of a layer that is fetched over several connections. */
const PIECE_BYTES = 4 * 1024 * 1024
/** containerd gives up after so many answers in a row that brought nothing. */
const MAX_EMPTY_ANSWERS = 3

/** An answer that was cut with a reset: a runtime ends the pull there, and keeps what it has for the next. */
export class ResetError extends Error {}

/** A stretch of a blob that one request after the other fills. */
interface Piece {
  at: number
  readonly end: number
}

/** A blob on its way into a runtime's store. What came stays when an attempt ends. */
export class Ingest {
  readonly blob: ChaosBlob
  readonly #path: string
  readonly #bytes: Buffer
  readonly #pieces: Piece[]

  constructor(repository: string, blob: ChaosBlob, { inPieces }: { inPieces: boolean }) {
    this.blob = blob
    this.#path = `/v2/${repository}/blobs/${blob.digest}`
    this.#bytes = Buffer.alloc(blob.sizeBytes)
    const pieceBytes = inPieces ? PIECE_BYTES : blob.sizeBytes
    this.#pieces = []
    for (let at = 0; at < blob.sizeBytes; at += pieceBytes) {
      this.#pieces.push({ at, end: Math.min(at + pieceBytes, blob.sizeBytes) })
    }
  }

  /** Whether all that came is what the digest says. */
  get right(): boolean {
    const digester = createDigester()
    digester.update(this.#bytes)
    return digester.digest() === this.blob.digest
  }

  /**
   * Fetches what is missing, the pieces one after the other on each of some connections.
   * @throws ResetError, or Error with what the hosts said
   */
  async fetch(hosts: Hosts, connections: number, options: AskOptions): Promise<void> {
    const waiting = this.#pieces.filter(({ at, end }) => at < end)
    const work = async () => {
      for (let piece = waiting.shift(); piece !== undefined; piece = waiting.shift()) {
        await this.#fill(piece, hosts, options)
      }
    }
    const all = await Promise.allSettled(Array.from({ length: connections }, work))
    for (const one of all) if (one.status === 'rejected') throw one.reason
  }

  async #fill(piece: Piece, hosts: Hosts, options: AskOptions): Promise<void> {
    for (let empty = 0; piece.at < piece.end; ) {
      const before = piece.at
      // Open-ended, also where only a piece is wanted (contracts §0.7).
      const range = piece.at === 0 && this.#pieces.length === 1 ? {} : { range: `bytes=${piece.at}-` }
      const { status, body } = await askHosts(hosts, { path: this.#path, ...range }, options)
      let skip = status === 200 ? piece.at : 0
      let cut = 'the answer ended too early'
      try {
        for await (const chunk of body as AsyncIterable<Buffer>) {
          options.movement.moved()
          const wanted = chunk.subarray(Math.min(skip, chunk.length))
          skip -= Math.min(skip, chunk.length)
          const taken = wanted.subarray(0, piece.end - piece.at)
          taken.copy(this.#bytes, piece.at)
          piece.at += taken.length
          // With enough of it the client hangs up, which is how `for await` ends a body.
          if (piece.at === piece.end) break
        }
      } catch (error) {
        options.signal.throwIfAborted()
        if (isReset(error)) throw new ResetError(`${this.#path} at ${piece.at}: ${wordsOf(error)}`)
        cut = wordsOf(error)
      }
      empty = piece.at > before ? 0 : empty + 1
      if (piece.at < piece.end && empty >= MAX_EMPTY_ANSWERS) throw new Error(`${this.#path} at ${piece.at}: ${cut}`)
    }
  }
}

/** An orderly end before the length that was promised is another: whoever reads goes on behind it with a range. */
function isReset(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'ECONNRESET' || code === 'EPIPE'
}
