/** A pipe as far as its sharing goes. */
export interface SharedPipe {
  readonly capacity: number
  /** What flows through it, with how much they count and what each of a flow's pipes lets it have. */
  readonly flows: readonly {
    readonly weight: number
    readonly pipes: readonly SharedPipe[]
    readonly shares: readonly number[]
  }[]
}

/**
 * What a pipe can let each of its flows have for each unit of its weight (the advertised rate): its capacity, less what flows take
 * that get less elsewhere, shared by the others. Where all get less elsewhere: what the largest could have if it grew alone.
 * @param limits scratch space, so that the busiest function of a run allocates nothing; two places for each flow
 */
export function shareOut(pipe: SharedPipe, limits: number[]): number {
  const { capacity, flows } = pipe
  let open = flows.length
  let least = Number.POSITIVE_INFINITY
  let weights = 0
  for (let index = 0; index < open; index++) {
    const weight = flows[index]?.weight ?? 0
    const limit = limitElsewhere(pipe, index) / weight
    limits[2 * index] = limit
    limits[2 * index + 1] = weight
    weights += weight
    if (limit < least) least = limit
  }
  let left = capacity
  let share = left / weights
  if (least >= share) return share
  let largest = 0
  let largestWeight = 1
  for (let found = true; found && open > 0; ) {
    found = false
    for (let index = 0; index < open; index++) {
      const limit = limits[2 * index] ?? 0
      if (limit >= share) continue
      const weight = limits[2 * index + 1] ?? 0
      left -= limit * weight
      weights -= weight
      if (limit > largest) {
        largest = limit
        largestWeight = weight
      }
      open--
      limits[2 * index] = limits[2 * open] ?? 0
      limits[2 * index + 1] = limits[2 * open + 1] ?? 0
      index--
      found = true
    }
    share = open > 0 ? left / weights : largest + left / largestWeight
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
