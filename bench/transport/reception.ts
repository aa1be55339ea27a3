/** What a receiver tells of bytes that it has got, from the first request to the last byte. */
export interface Reception {
  /** Milliseconds since 1970, with fractions. */
  readonly startedAt: number
  /** Milliseconds since 1970, with fractions. */
  readonly endedAt: number
  /** Processor time of the receiver meanwhile. */
  readonly cpuSeconds: number
}
