import { waitFor } from './wait.ts'

/** What yamux lets a receiver have on its way to it at most, in bytes, on one stream. */
export const LARGEST_WINDOW = 16 * 1024 * 1024

const LOOK_MS = 300

/** Waits until a count stands still. */
export async function untilSettled(count: () => number): Promise<void> {
  let before = Number.NaN
  const settled = () => {
    const now = count()
    const same = now === before
    before = now
    return same
  }
  await waitFor(settled, { timeoutMs: 20_000, intervalMs: LOOK_MS, what: 'a count to stand still' })
}
