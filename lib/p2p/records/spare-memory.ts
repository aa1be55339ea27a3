/** Pieces kept for later; more are in use only where many connections are busy in the same moment. */
const MAX_SPARE = 16

/**
 * Memory of one size that the connections of a node use in turn. New memory for each record is what the collector would be
 * busy with, and its pages would have to be got from the kernel again and again.
 */
export class SpareMemory {
  readonly #pieceBytes: number
  readonly #spare: Buffer[] = []

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes
  }

  /** A piece with whatever was in it before. */
  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#pieceBytes)
  }

  /** Gives a piece back that nobody reads or writes any more. One that is never given back costs nothing but the reuse. */
  giveBack(piece: Buffer): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(piece)
  }
}
