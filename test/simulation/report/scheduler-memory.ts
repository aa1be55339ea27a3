import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Bitfield } from '../../../protocol/bitfield.ts'
import { apply } from '../../../supernode/scheduler/apply.ts'
import { createSchedulerState } from '../../../supernode/scheduler/state.ts'
import type { WorldSpec } from '../world/spec.ts'
import { SimulatedTask } from '../world/task.ts'

/** Enough peers for an average: of a few hundred, what else is on the heap shows. */
const PEERS = 5_000

/** Bytes of heap that the scheduler keeps for a peer in one task, without its bitfield. */
export function schedulerBytesPerPeer({ tasks, seed }: WorldSpec): number {
  const [first] = tasks
  if (first === undefined) return 0
  const collectGarbage = garbageCollector()
  const ids = Array.from({ length: PEERS }, (_, index) => `peer-${index}`)
  collectGarbage()
  const before = process.memoryUsage().heapUsed
  const task = new SimulatedTask(0, first)
  let state = createSchedulerState(seed)
  const tell = (event: Parameters<typeof apply>[1]) => {
    state = apply(state, event).state
  }
  tell({ type: 'task-added', task: task.id, blockSizeBytes: first.blockBytes })
  for (const peer of ids) {
    tell({ type: 'peer-connected', peer, labels: {} })
    tell({ type: 'join', peer, task: task.id, have: new Bitfield(), wants: true, now: 0 })
  }
  collectGarbage()
  const bytes = process.memoryUsage().heapUsed - before
  // The state must outlive the measurement.
  return state.peers.size === 0 ? 0 : bytes / PEERS
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}
