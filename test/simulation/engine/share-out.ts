/** A pipe as far as its sharing goes. */
export interface SharedPipe {
  readonly capacity: number
  /** What flows through it, with what each of a flow's pipes lets it have. */
  readonly flows: readonly { readonly pipes: readonly SharedPipe[]; readonly shares: readonly number[] }[]
}

/**
 * What a pipe can let each of its flows have (the advertised rate): its capacity, less what flows take that get less elsewhere,
 * shared equally by the others. Where all get less elsewhere: what the largest could have if it grew alone.
 * @param limits scratch space, so that the busiest function of a run allocates nothing
 */
export function shareOut(pipe: SharedPipe, limits: number[]): number {
  const { capacity, flows } = pipe
  let open = flows.length
  let least = Number.POSITIVE_INFINITY
  for (let index = 0; index < open; index++) {
    const limit = limitElsewhere(pipe, index)
    limits[index] = limit
    if (limit < least) least = limit
  }
  let left = capacity
  let share = left / open
  if (least >= share) return share
  let largest = 0
  for (let found = true; found && open > 0; ) {
    found = false
    for (let index = 0; index < open; index++) {
      const limit = limits[index] ?? 0
      if (limit >= share) continue
      left -= limit
      if (limit > largest) largest = limit
      limits[index] = limits[--open] ?? 0
      index--
      found = true
    }
    share = open > 0 ? left / open : left + largest
  }
  return share
}

function limitElsewhere(pipe: SharedPipe, index: number): number {
  const flow = pipe.flows[index]
  if (flow === undefined) return 0
  let limit = Number.POSITIVE_INFINITY
  for (let at = 0; at < flow.pipes.length; at++) {
    if (flow.pipes[at] !== pipe && (flow.shares[at] ?? 0) < limit) limit = flow.shares[at] ?? 0
  }
  return limit
}
