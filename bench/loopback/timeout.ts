const ANSWER_TIMEOUT_MS = 60_000
/** Slower than this, in all, it has failed. */
const MIN_BYTES_PER_MS = 8 * 1024

/** How long a program may take to answer when so many bytes are to be moved for it, in milliseconds. */
export function timeoutFor(sizeBytes = 0): number {
  return ANSWER_TIMEOUT_MS + sizeBytes / MIN_BYTES_PER_MS
}
