import type { Keeper, PeerId, ReplicatedTask } from './state.ts'

/** What a choice of peers looks at. */
export interface PlanView {
  readonly nowMs: number
  readonly keepers: Iterable<Keeper>
  /** How many replicas a peer keeps or was asked for, of all tasks. */
  readonly burdenOf: (peer: PeerId) => number
}

/** What is to be done for one task. */
export interface Plan {
  readonly keep: readonly Keeper[]
  readonly release: readonly PeerId[]
}

/**
 * Which peers shall keep a task, and which need not any more, so that as many have it as are wanted, in as many zones as there are.
 * Of the peers of a zone those with the fewest replicas are asked; where there are too many copies, those that are not here yet go
 * first, then those of the fullest zone.
 */
export function planTask(task: ReplicatedTask, view: PlanView): Plan {
  const missing = task.wanted - task.copies.size
  if (missing < 0) return { keep: [], release: surplus(task, -missing, view) }
  if (missing === 0 || view.nowMs < task.settledAtMs) return { keep: [], release: [] }
  return { keep: candidates(task, missing, view), release: [] }
}

function candidates(task: ReplicatedTask, count: number, { nowMs, keepers, burdenOf }: PlanView): Keeper[] {
  const zones = zoneCounts(task)
  const free = [...keepers]
    .filter(({ id }) => !task.copies.has(id) && (task.refusals.get(id) ?? nowMs) <= nowMs)
    .map(keeper => ({ keeper, burden: burdenOf(keeper.id) }))
    .sort((a, b) => a.burden - b.burden || compare(a.keeper.id, b.keeper.id))
  const chosen: Keeper[] = []
  while (chosen.length < count) {
    let best = -1
    for (const [at, { keeper }] of free.entries()) {
      const better = best < 0 || (zones.get(keeper.zone) ?? 0) < (zones.get(free[best]?.keeper.zone ?? '') ?? 0)
      if (better) best = at
    }
    const [next] = best < 0 ? [] : free.splice(best, 1)
    if (next === undefined) break
    chosen.push(next.keeper)
    zones.set(next.keeper.zone, (zones.get(next.keeper.zone) ?? 0) + 1)
  }
  return chosen
}

function surplus(task: ReplicatedTask, count: number, { burdenOf }: PlanView): PeerId[] {
  const zones = zoneCounts(task)
  const left = [...task.copies].map(([id, copy]) => ({ id, copy, burden: burdenOf(id) }))
  const released: PeerId[] = []
  while (released.length < count && left.length > 0) {
    left.sort(
      (a, b) =>
        rank(b.copy) - rank(a.copy) ||
        (zones.get(b.copy.zone) ?? 0) - (zones.get(a.copy.zone) ?? 0) ||
        b.burden - a.burden ||
        compare(a.id, b.id),
    )
    const [next] = left.splice(0, 1)
    if (next === undefined) break
    released.push(next.id)
    zones.set(next.copy.zone, (zones.get(next.copy.zone) ?? 0) - 1)
  }
  return released
}

/** What can be spared best has the highest. */
function rank({
  state,
  goneAtMs,
}: {
  readonly state: 'asked' | 'kept'
  readonly goneAtMs: number | undefined
}): number {
  if (goneAtMs !== undefined) return 2
  return state === 'asked' ? 1 : 0
}

function zoneCounts({ copies }: ReplicatedTask): Map<string, number> {
  const counts = new Map<string, number>()
  for (const { zone } of copies.values()) counts.set(zone, (counts.get(zone) ?? 0) + 1)
  return counts
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
