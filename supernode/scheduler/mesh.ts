import { link, mayMeet, targetDegree, unlink } from './links.ts'
import { type Outbox, sendConnect, sendDisconnect } from './outbox.ts'
import { areRingNeighbours, enterRings, everybodyOn, leaveRings, ringNeighbours } from './rings.ts'
import type { Island, Member, SchedulerState } from './state.ts'

/** Takes a member into the mesh: on each ring it gets between two others, which part. The newcomer is told to dial. */
export function enterMesh(state: SchedulerState, member: Member, outbox: Outbox): void {
  const { island } = member
  for (const [a, b] of enterRings(island.rings, member)) {
    if (!isHeld(state, a, b)) part(a, b, outbox)
  }
  meetRingNeighbours(state, member, outbox)
}

/** Links a member with those next to it on the rings, as far as they may meet; in a small island with everybody. */
export function meetRingNeighbours(state: SchedulerState, member: Member, outbox: Outbox): void {
  const { island } = member
  const { rings } = island
  meet(state, member, isSmall(state, island) ? everybodyOn(rings) : ringNeighbours(rings, member), outbox)
  if (member.wants && member.neighbours.length < targetDegree(state)) island.lonely.add(member)
}

/** Takes a member out of the mesh. Those that it stood between on a ring become neighbours. */
export function leaveMesh(state: SchedulerState, member: Member, outbox: Outbox): void {
  for (const neighbour of [...member.neighbours]) unlink(member, neighbour)
  for (const [a, b] of leaveRings(member.island.rings, member)) meet(state, a, [b], outbox)
}

/** Ends an extra link of the member: that to the neighbour with the most others. @returns whether there was one */
export function endExtraLink(state: SchedulerState, member: Member, outbox: Outbox): boolean {
  let busiest: Member | undefined
  for (const other of member.neighbours) {
    if (busiest !== undefined && other.neighbours.length <= busiest.neighbours.length) continue
    if (!isHeld(state, member, other)) busiest = other
  }
  if (busiest === undefined) return false
  part(member, busiest, outbox)
  return true
}

/** Whether an island has so few members that all of them are neighbours. */
export function isSmall(state: SchedulerState, island: Island): boolean {
  return everybodyOn(island.rings).length <= targetDegree(state) + 1
}

/** Whether a link is one of the mesh and not an extra one. */
function isHeld(state: SchedulerState, a: Member, b: Member): boolean {
  return isSmall(state, a.island) || areRingNeighbours(a.island.rings, a, b)
}

/** Links a member, which is told to dial, with the others. Whoever gets more neighbours than it shall have gives up an extra one. */
function meet(state: SchedulerState, member: Member, others: readonly Member[], outbox: Outbox): void {
  const met = others.filter(other => mayMeet(state, member, other))
  for (const other of met) link(member, other)
  sendConnect(outbox, member, met)
  for (const one of [member, ...met]) {
    if (one.neighbours.length > targetDegree(state)) endExtraLink(state, one, outbox)
  }
}

/** Tells both: either may have been told to dial, and not be through with it. */
export function part(a: Member, b: Member, outbox: Outbox): void {
  if (!unlink(a, b)) return
  sendDisconnect(outbox, a, b)
  sendDisconnect(outbox, b, a)
}
