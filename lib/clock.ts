/** Time as the rest of the code sees it, so that tests can run under a virtual one. */
export interface Clock {
  /** Milliseconds on a monotonic scale; only differences mean something. */
  now(): number
  /** Milliseconds since 1970, for what is written down or sent. */
  wallTime(): number
  /** Calls back every `intervalMs`, until the returned function is called. Does not keep the process alive. */
  every(intervalMs: number, callback: () => void): () => void
  /** Calls back once after `delayMs`, unless the returned function is called first. Does not keep the process alive. */
  after(delayMs: number, callback: () => void): () => void
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallTime: () => Date.now(),
  every(intervalMs, callback) {
    const timer = setInterval(callback, intervalMs).unref()
    return () => clearInterval(timer)
  },
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref()
    return () => clearTimeout(timer)
  },
}
