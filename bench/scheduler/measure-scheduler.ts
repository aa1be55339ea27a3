import { watchMachine } from '../conditions.ts'
import type { SchedulerBenchConfig } from './config.ts'
import type { SchedulerFigures } from './figures.ts'
import { measureHeap } from './heap.ts'
import { Stopwatch } from './stopwatch.ts'
import { EVENT_KINDS, type EventKind, Workload } from './workload.ts'

/** Measures the scheduler under a flash crowd: processor time of each kind of event, then memory of all that it knows. */
export function measureScheduler(config: SchedulerBenchConfig): SchedulerFigures {
  const conditions = watchMachine()
  const watch = new Stopwatch<EventKind>()
  const workload = new Workload(config, watch)
  const before = measureHeap()
  workload.join()
  workload.spread()
  const after = measureHeap()
  const { peers, blocks } = config
  // Asked after the measurement, so that the state is still there.
  if (workload.complete !== peers) throw new Error(`of ${peers} members ${workload.complete} hold everything`)
  return {
    peers,
    blocks,
    laps: Object.fromEntries(EVENT_KINDS.map(kind => [kind, watch.lap(kind)])) as SchedulerFigures['laps'],
    bytesPerMember: (after.objects - before.objects) / peers,
    bitfieldBytesPerMember: (after.arrays - before.arrays) / peers,
    conditions: conditions(),
  }
}
