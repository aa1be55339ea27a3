/** Counts what comes in until all that was asked for is here. */
export interface ByteCount {
  /** Begins to count. Calls must not overlap. @returns resolved by the last byte, rejected by `fail` or a byte too many */
  expect(sizeBytes: number): Promise<void>
  add(sizeBytes: number): void
  /** Nothing more will come. */
  fail(error: Error): void
}

/** A count that expects nothing yet. */
export function createByteCount(): ByteCount {
  let missing = 0
  let whole = Promise.withResolvers<void>()

  function fail(error: Error): void {
    whole.reject(error)
    // Nobody may be waiting, and then nobody needs to know.
    whole.promise.catch(() => {})
  }

  return {
    expect(sizeBytes) {
      missing = sizeBytes
      whole = Promise.withResolvers()
      return whole.promise
    },
    add(sizeBytes) {
      missing -= sizeBytes
      if (missing < 0) fail(new Error(`got ${-missing} bytes that nobody asked for`))
      else if (missing === 0) whole.resolve()
    },
    fail,
  }
}
