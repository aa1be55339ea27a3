/** No probe takes longer, in milliseconds. */
export const PROBE_MS = 3_000

/** What a probe brought, or that it failed and why. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown }

/**
 * Does something that may take for ever, such as a look at a file system that has gone. What heeds no signal goes on in the
 * background and is forgotten.
 * @returns the error is a `TimeoutError` when time was up
 */
export async function bounded<T>(
  work: (signal: AbortSignal) => Promise<T>,
  { limitMs = PROBE_MS }: { limitMs?: number } = {},
): Promise<Outcome<T>> {
  const signal = AbortSignal.timeout(limitMs)
  const late = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  try {
    return { value: await Promise.race([work(signal), late]) }
  } catch (error) {
    return { error }
  }
}
