/** How many things were done in how much processor time. */
export interface Lap {
  readonly count: number
  readonly cpuMs: number
}

/** Adds up the processor time of this thread, by what it was spent on. */
export class Stopwatch<Kind extends string> {
  readonly #laps = new Map<Kind, Lap>()
  #startedMs = 0

  /** What follows counts. */
  start(): void {
    this.#startedMs = threadCpuMs()
  }

  /** What came since `start` was `count` things of a kind. */
  stop(kind: Kind, count: number): void {
    const cpuMs = threadCpuMs() - this.#startedMs
    const before = this.#laps.get(kind) ?? { count: 0, cpuMs: 0 }
    this.#laps.set(kind, { count: before.count + count, cpuMs: before.cpuMs + cpuMs })
  }

  /** The sum of a kind. */
  lap(kind: Kind): Lap {
    return this.#laps.get(kind) ?? { count: 0, cpuMs: 0 }
  }
}

/** Of this thread only: the garbage collector's helpers run on other cores. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}
