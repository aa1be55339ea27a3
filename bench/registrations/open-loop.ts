import { setTimeout as wait } from 'node:timers/promises'

/**
 * Sends at a steady rate, whatever becomes of what was sent before: so that the time for which an answer keeps others waiting counts
 * for these, too ("coordinated omission").
 * @param send is told the number of each, and when it was due on the scale of `performance.now()`
 * @returns when all that was sent has been answered
 */
export async function sendAtRate(
  { perSecond, count }: { readonly perSecond: number; readonly count: number },
  send: (index: number, dueMs: number) => Promise<void>,
): Promise<void> {
  const startMs = performance.now()
  const running: Promise<void>[] = []
  for (let index = 0; index < count; ) {
    const dueCount = Math.min(count, Math.floor(((performance.now() - startMs) * perSecond) / 1000) + 1)
    for (; index < dueCount; index++) running.push(send(index, startMs + (index * 1000) / perSecond))
    await wait(1)
  }
  await Promise.all(running)
}
