import type { Member, Task } from './state.ts'

/** Makes a member one that can be drawn at random. O(1). */
export function enrol(task: Task, member: Member): void {
  member.rosterAt = task.roster.length
  task.roster.push(member)
  const { zone } = member.peer.labels
  if (zone === undefined) return
  const ofZone = task.zones.get(zone) ?? []
  task.zones.set(zone, ofZone)
  member.zoneAt = ofZone.length
  ofZone.push(member)
}

/** Undoes `enrol`. O(1). */
export function strikeOff(task: Task, member: Member): void {
  const last = takeOut(task.roster, member.rosterAt)
  if (last !== undefined) last.rosterAt = member.rosterAt
  member.rosterAt = -1
  const { zone } = member.peer.labels
  const ofZone = zone === undefined ? undefined : task.zones.get(zone)
  if (zone === undefined || ofZone === undefined) return
  const lastOfZone = takeOut(ofZone, member.zoneAt)
  if (lastOfZone !== undefined) lastOfZone.zoneAt = member.zoneAt
  member.zoneAt = -1
  if (ofZone.length === 0) task.zones.delete(zone)
}

/** Fills the gap with the last entry. @returns the entry that moved */
function takeOut(list: Member[], at: number): Member | undefined {
  const last = list.pop()
  if (last === undefined || at === list.length) return undefined
  list[at] = last
  return last
}
