import type { Deadlines, Grant } from './state.ts'

const COMPACT_AT_LEAST = 64

/** No grants. */
export function createDeadlines(): Deadlines {
  return { grants: [], from: 0, compactAt: COMPACT_AT_LEAST }
}

/** Has a grant come up after all that are tracked already. O(1) on average; closed ones take up no lasting memory. */
export function trackDeadline(deadlines: Deadlines, grant: Grant): void {
  deadlines.grants.push(grant)
  if (deadlines.grants.length >= deadlines.compactAt) compact(deadlines)
}

/** Takes the next grant that was given, or put off, at `dueMs` or before. */
export function nextDue(deadlines: Deadlines, dueMs: number): Grant | undefined {
  while (deadlines.from < deadlines.grants.length) {
    const grant = deadlines.grants[deadlines.from]
    if (grant === undefined || (grant.state !== 'closed' && grant.atMs > dueMs)) break
    deadlines.from++
    if (grant.state !== 'closed') return grant
  }
  if (deadlines.from * 2 > deadlines.grants.length) compact(deadlines)
  return undefined
}

function compact(deadlines: Deadlines): void {
  deadlines.grants = deadlines.grants.slice(deadlines.from).filter(({ state }) => state !== 'closed')
  deadlines.from = 0
  deadlines.compactAt = Math.max(COMPACT_AT_LEAST, 2 * deadlines.grants.length)
}
