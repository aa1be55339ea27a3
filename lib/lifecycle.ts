/** A part with a beginning and an end. Both calls may be repeated without effect. */
export interface Startable {
  start(): Promise<void>
  stop(): Promise<void>
}

/** How long one part may take to stop before the others go on without it. */
const STOP_DEADLINE_MS = 5_000

/**
 * Starts parts in the given order and stops them in the reverse. When one fails to start, it and those before it are
 * stopped and the failure is thrown. A stop ends a start that is under way after its current part. A part that does not
 * stop within the deadline is left behind.
 */
export function createLifecycle(parts: readonly Startable[], stopDeadlineMs = STOP_DEADLINE_MS): Startable {
  let running: Startable[] = []
  let starting: Promise<void> | undefined
  let stopping: Promise<void> | undefined
  let run = 0

  async function begin(): Promise<void> {
    const thisRun = ++run
    await stopping?.catch(() => {})
    try {
      for (const part of parts) {
        if (run !== thisRun) throw new Error('stopped while starting')
        running.push(part)
        await part.start()
      }
      if (run !== thisRun) throw new Error('stopped while starting')
    } catch (error) {
      if (run === thisRun) starting = undefined
      await stopRunning().catch(() => {})
      throw error
    }
  }

  async function end(): Promise<void> {
    run++
    const current = starting
    starting = undefined
    if (current !== undefined) await withDeadline(() => current, stopDeadlineMs).catch(() => {})
    await stopRunning()
  }

  async function stopRunning(): Promise<void> {
    const toStop = running.reverse()
    running = []
    const failures: unknown[] = []
    for (const part of toStop) {
      await withDeadline(() => part.stop(), stopDeadlineMs).catch(error => failures.push(error))
    }
    if (failures.length > 0) throw new AggregateError(failures, 'some parts did not stop')
  }

  return {
    start() {
      starting ??= begin()
      return starting
    },
    stop() {
      // A start that waits for the stop under way needs a stop of its own.
      if (stopping !== undefined && starting === undefined) return stopping
      const ending = end().finally(() => {
        if (stopping === ending) stopping = undefined
      })
      stopping = ending
      return ending
    },
  }
}

/**
 * Makes a part out of two functions: its calls run one after the other, and a repeated call shares the outcome of the
 * first. After a failed start the part counts as stopped.
 */
export function createStartable(start: () => Promise<void>, stop: () => Promise<void>): Startable {
  interface Turn {
    readonly kind: 'start' | 'stop'
    readonly done: Promise<void>
  }
  const stopped: Turn = { kind: 'stop', done: Promise.resolve() }
  let last = stopped

  function turn(kind: Turn['kind'], work: () => Promise<void>): Promise<void> {
    if (last.kind === kind) return last.done
    const next: Turn = { kind, done: last.done.catch(() => {}).then(work) }
    last = next
    next.done.catch(() => {
      if (last === next) last = stopped
    })
    return next.done
  }

  return { start: () => turn('start', start), stop: () => turn('stop', stop) }
}

async function withDeadline(work: () => Promise<void>, deadlineMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not stop within ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    await Promise.race([work(), deadline])
  } finally {
    clearTimeout(timer)
  }
}
