import type { TaskId } from '../../protocol/task.ts'

export interface ReadingPaceComponents {
  /** Whether a task has to wait: nobody waits for it, and blocks go out that somebody waits for. Changes while a read goes on. */
  readonly givesWay: (task: TaskId) => boolean
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>
}

/** How fast an origin is read while its task has to wait, but for the longest pause: no origin shall take its reader for dead. */
const BYTES_PER_MS = (256 * 1024) / 1_000
const LONGEST_PAUSE_MS = 5_000
/** Whoever begins to wait for what is read waits for no longer than this. */
const LOOK_MS = 100

/**
 * After a block of a task has been read: pauses while the task has to wait, as a read that takes all of the way in delays the words of
 * those peers for whom blocks go out. @throws the signal's reason
 */
export async function paceReading(
  { givesWay, wait }: ReadingPaceComponents,
  { task, bytes }: { readonly task: TaskId; readonly bytes: number },
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const pauseMs = Math.min(bytes / BYTES_PER_MS, LONGEST_PAUSE_MS)
  for (let pausedMs = 0; pausedMs < pauseMs && givesWay(task); pausedMs += LOOK_MS) await wait(LOOK_MS, signal)
}
