import type { Clock } from '../lib/clock.ts'

/** Waits for a time, or for the signal if that comes first. Never rejects. */
export function wait(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (signal.aborted) return Promise.resolve()
  const cancel = clock.after(delayMs, finish)
  signal.addEventListener('abort', finish)
  return promise

  function finish(): void {
    cancel()
    signal.removeEventListener('abort', finish)
    resolve()
  }
}

/** Waits until the signal aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
