/** Decides how many bytes may move, and when. Whoever moves bytes asks for the next ones only after it has moved these. */
export interface ByteGate {
  /** Whether all may move at once, so that `take` need not be called. Changes while the program runs. */
  readonly open: boolean
  /**
   * Waits until some of the next bytes may move.
   * @param maxBytes how many are there, at least 1
   * @returns how many of them may; 0 when the signal ended the wait
   */
  take(maxBytes: number, signal: AbortSignal): Promise<number>
}
