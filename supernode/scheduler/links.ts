import type { Member, SchedulerState } from './state.ts'

/** How many peers a member may be kept apart from; the oldest is forgotten first. */
const MAX_AVOIDED = 64

/** Makes two members neighbours. */
export function link(a: Member, b: Member): void {
  a.neighbours.push(b)
  b.neighbours.push(a)
}

/** Ends that two members are neighbours, and has both looked at on the next tick. @returns whether they were */
export function unlink(a: Member, b: Member): boolean {
  const at = a.neighbours.indexOf(b)
  if (at < 0) return false
  a.neighbours.splice(at, 1)
  b.neighbours.splice(b.neighbours.indexOf(a), 1)
  for (const member of [a, b]) if (member.wants) member.island.lonely.add(member)
  return true
}

/** Neighbours that every member shall have, where its island has that many members: two on each ring. */
export function targetDegree({ config }: SchedulerState): number {
  return 2 * config.rings
}

/** Whether two members may become neighbours, apart from how many they have already. */
export function mayMeet(state: SchedulerState, a: Member, b: Member): boolean {
  if (a === b || a.peer.isolated || b.peer.isolated || (!a.wants && !b.wants)) return false
  return !a.neighbours.includes(b) && !isAvoiding(state, a, b) && !isAvoiding(state, b, a)
}

/** Keeps two members apart until they are forgiven. */
export function keepApart(state: SchedulerState, member: Member, other: Member): void {
  member.avoid ??= new Map()
  member.avoid.delete(other.peer.id)
  member.avoid.set(other.peer.id, state.nowMs + state.config.forgivenessMs)
  for (const oldest of member.avoid.keys()) {
    if (member.avoid.size <= MAX_AVOIDED) break
    member.avoid.delete(oldest)
  }
}

/** How willingly a member is chosen as an extra neighbour by others: less is better. */
export function loadScore(state: SchedulerState, candidate: Member): number {
  return candidate.neighbours.length + 2 * (state.standings.get(candidate.peer.id)?.strikes ?? 0)
}

/** As `loadScore`, but a candidate that is near the member may have a few neighbours more and still be preferred. */
export function localScore(state: SchedulerState, candidate: Member, member: Member): number {
  const a = candidate.peer.labels
  const b = member.peer.labels
  const sameZone = a.zone === b.zone
  const sameIdc = sameZone && a.idc !== undefined && a.idc === b.idc
  const sameRack = sameIdc && a.rack !== undefined && a.rack === b.rack
  return loadScore(state, candidate) - Number(sameZone) - Number(sameIdc) - Number(sameRack)
}

function isAvoiding(state: SchedulerState, member: Member, other: Member): boolean {
  return (member.avoid?.get(other.peer.id) ?? 0) > state.nowMs
}
