/** A way to move bytes from one process to another. */
export interface Transport {
  /** Serves bytes until the process ends. @returns where, for `connect` in another process */
  serve(): Promise<string>
  /** Connects to what `serve` returned in another process. */
  connect(address: string): Promise<Receive>
}

/**
 * Asks for bytes over the one connection, and resolves when the last of them is here. Calls must not overlap.
 * @param sizeBytes a multiple of `UNIT_BYTES`
 * @throws Error when the connection fails
 */
export type Receive = (sizeBytes: number) => Promise<void>

/** Bytes are asked for in multiples of this. It is the size of our blocks. */
export const UNIT_BYTES = 4 * 1024 * 1024
