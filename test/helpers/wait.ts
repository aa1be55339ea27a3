import { setTimeout as delay } from 'node:timers/promises'

/** How often a condition is looked at while nothing else is said. */
const INTERVAL_MS = 20

/** How long and how a condition is waited for. */
export interface WaitOptions {
  /** When to give up, in milliseconds. */
  readonly timeoutMs: number
  /** Pause between two looks, in milliseconds; 20 by default. */
  readonly intervalMs?: number
  /** What is awaited, for the message of the failure. */
  readonly what?: string | (() => string)
  readonly signal?: AbortSignal
}

type Falsy = false | 0 | '' | null | undefined

/**
 * Looks at a condition until it holds and returns its value. What the condition throws ends the wait.
 * @throws Error when the condition does not hold in time, or the reason of `signal`
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, intervalMs = INTERVAL_MS, what = 'a condition', signal }: WaitOptions,
): Promise<Exclude<T, Falsy>> {
  const deadlineMs = performance.now() + timeoutMs
  while (true) {
    signal?.throwIfAborted()
    const value = await condition()
    if (value) return value as Exclude<T, Falsy>
    if (performance.now() >= deadlineMs) {
      throw new Error(`waited ${timeoutMs} ms in vain for ${typeof what === 'function' ? what() : what}`)
    }
    await delay(intervalMs, undefined, signal ? { signal } : {})
  }
}
