import { createBlockHeap } from './block-heap.ts'
import { createDeadlines } from './deadlines.ts'
import { createHolders } from './holders.ts'
import { FIRST_OPEN_GRANTS } from './pace.ts'
import { createRings } from './rings.ts'
import type { Island, SchedulerState, Task } from './state.ts'

/** The island for members of a zone: the zone's own, made if need be; the newest one when there are enough of them. */
export function islandFor(state: SchedulerState, task: Task, zone = ''): Island {
  const { config } = state
  const own = task.islands.get(zone)
  if (own !== undefined) return own
  const newest = [...task.islands.values()].at(-1)
  if (newest !== undefined && task.islands.size >= config.maxIslands) return newest
  const island = createIsland(task, zone, config.rings)
  task.islands.set(zone, island)
  return island
}

/** Forgets an island that the last member has left. */
export function abandonIsland({ task, zone, size }: Island): void {
  if (size === 0) task.islands.delete(zone)
}

/**
 * Blocks that an island may have granted and unanswered: its part of the task's budget, at least one member's window, and no more
 * than are answered soon. What an island has no use for, the others have. O(islands).
 */
export function budgetOf(island: Island): number {
  const { windowBlocks, budgetBlocks, islands } = island.task
  let sharers = 0
  for (const other of islands.values()) if (other.openGrants > 0 || hasGrantable(other)) sharers++
  return Math.min(Math.floor(island.pace), Math.max(windowBlocks, Math.floor(budgetBlocks / Math.max(1, sharers))))
}

/** Whether there may be a block to be granted, and there is somebody to take it. */
export function hasGrantable(island: Island): boolean {
  const { queue, cursor, returned } = island
  return queue.length > 0 && (cursor < grantableEnd(island) || returned.items.length > 0)
}

/**
 * Blocks from here on wait. While there is something that nobody has, everybody has something to give, whenever it came; so the
 * supernode hands a task out no faster than its best member takes it, and the rest can follow.
 */
export function grantableEnd({ mostHeld, task }: Island): number {
  return Math.min(task.readyBlocks, mostHeld + task.lookaheadBlocks)
}

function createIsland(task: Task, zone: string, rings: number): Island {
  return {
    task,
    zone,
    size: 0,
    rings: createRings(rings),
    queue: [],
    lonely: new Set(),
    hungry: new Set(),
    laggardsAtMs: 0,
    holders: createHolders(),
    cursor: 0,
    mostHeld: 0,
    returned: createBlockHeap(),
    grants: new Map(),
    openGrants: 0,
    deadlines: createDeadlines(),
    answerMs: Number.POSITIVE_INFINITY,
    pace: Math.min(FIRST_OPEN_GRANTS, task.budgetBlocks),
  }
}
