import { isDownloading } from './inventory.ts'
import { link, mayMeet } from './links.ts'
import { endExtraLink } from './mesh.ts'
import { type Outbox, sendConnect } from './outbox.ts'
import { nextBelow } from './random.ts'
import { everybodyOn } from './rings.ts'
import type { Member, SchedulerState } from './state.ts'

/** Members compared before the one that others want least from is taken, and members looked at to find them. */
const COMPARED = 8
const LOOKED_AT = 256

/** Makes a holder of the block an extra neighbour, in place of another where the member has as many as it may. */
export function connectToHolder(state: SchedulerState, member: Member, block: number, outbox: Outbox): boolean {
  const holder = findHelper(state, member, other => other.have.has(block))
  if (holder === undefined) return false
  if (member.neighbours.length >= state.config.maxNeighbours && !endExtraLink(state, member, outbox)) return false
  connect(member, holder, outbox)
  return true
}

/** Makes somebody who holds more blocks an extra neighbour, where the member may have one more. */
export function connectToSomebodyAhead(state: SchedulerState, member: Member, outbox: Outbox): void {
  if (member.neighbours.length >= state.config.maxNeighbours) return
  const helper = findHelper(state, member, other => other.have.count > member.have.count)
  if (helper !== undefined) connect(member, helper, outbox)
}

function connect(member: Member, other: Member, outbox: Outbox): void {
  link(member, other)
  sendConnect(outbox, member, [other])
}

/** The least demanded of the first that can help, met on a bounded walk from a random place: where few can, none may be found. */
function findHelper(state: SchedulerState, member: Member, canHelp: (other: Member) => boolean): Member | undefined {
  const members = everybodyOn(member.island.rings)
  const from = nextBelow(state.random, members.length)
  const steps = Math.min(members.length, LOOKED_AT)
  let best: Member | undefined
  let compared = 0
  for (let step = 0; step < steps && compared < COMPARED; step++) {
    const candidate = members[(from + step) % members.length]
    if (candidate === undefined || !canHelp(candidate) || !mayMeet(state, member, candidate)) continue
    if (candidate.neighbours.length >= state.config.maxNeighbours) continue
    compared++
    if (best === undefined || demandOf(candidate) < demandOf(best)) best = candidate
  }
  return best
}

/** How many neighbours a member may have to give something to. */
function demandOf({ neighbours }: Member): number {
  let demand = 0
  for (const neighbour of neighbours) if (isDownloading(neighbour)) demand++
  return demand
}
