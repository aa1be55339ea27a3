import { setTimeout as wait } from 'node:timers/promises'

/** What is in use, in MiB. */
export interface MemoryUse {
  /** Objects of this thread and what they hold outside of the heap, after a collection of garbage. */
  readonly heap: number
  /** Of the whole process. */
  readonly rss: number
}

const MIB = 1024 * 1024

/** Measures after collecting all garbage. @throws Error without `--expose-gc` */
export async function measureMemory(): Promise<MemoryUse> {
  if (globalThis.gc === undefined) throw new Error('garbage cannot be collected: --expose-gc is missing')
  for (let round = 0; round < 3; round++) {
    // What ends with a turn of the event loop, such as closed sockets, goes too.
    await wait(20)
    globalThis.gc()
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: (heapUsed + external) / MIB, rss: rss / MIB }
}
