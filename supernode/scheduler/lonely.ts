import { link, localScore, mayMeet, targetDegree } from './links.ts'
import { part } from './mesh.ts'
import { type Outbox, sendConnect } from './outbox.ts'
import { nextBelow } from './random.ts'
import { everybodyOn } from './rings.ts'
import type { Island, Member, SchedulerState } from './state.ts'

/** Other lonely members, and members of the whole island, compared before one is taken. */
const LONELY_COMPARED = 16
const DRAWS = 16

/**
 * Gives extra neighbours to members that have too few: because two rings put them next to the same one, or because they were
 * parted from one. First two of them become neighbours. Two that cannot take over the ends of another link, so that everybody
 * has as many as before and they one more. What is then left over takes whoever has room.
 * O(lonely members); what cannot be helped is looked at again on every tick.
 */
export function refillLonely(state: SchedulerState, island: Island, outbox: Outbox): void {
  for (const member of [...island.lonely]) {
    while (isLonely(state, member) && befriend(state, member, outbox)) {}
    if (!isLonely(state, member)) island.lonely.delete(member)
  }
}

/** Whether a member has too few neighbours. One that only offers is left alone: it is found by those that want. */
function isLonely(state: SchedulerState, member: Member): boolean {
  if (!member.wants || member.peer.isolated) return false
  const others = everybodyOn(member.island.rings).length - 1
  return member.neighbours.length < Math.min(targetDegree(state), others)
}

function befriend(state: SchedulerState, member: Member, outbox: Outbox): boolean {
  const lonely = otherLonely(state, member)
  const friend = best(state, member, lonely)
  if (friend !== undefined) return meet(member, friend, outbox)
  const lacksTwo = member.neighbours.length <= targetDegree(state) - 2
  for (const other of lacksTwo ? [member, ...lonely] : lonely)
    if (takeOverLink(state, member, other, outbox)) return true
  const stranger = best(state, member, draw(state, member.island))
  return stranger !== undefined && meet(member, stranger, outbox)
}

function otherLonely(state: SchedulerState, member: Member): Member[] {
  const found: Member[] = []
  for (const other of member.island.lonely) {
    if (found.length >= LONELY_COMPARED) break
    if (other !== member && isLonely(state, other)) found.push(other)
  }
  return found
}

/** Ends a link of two others, of which one becomes the neighbour of `a` and the other that of `b`. */
function takeOverLink(state: SchedulerState, a: Member, b: Member, outbox: Outbox): boolean {
  for (const first of draw(state, a.island)) {
    if (!mayMeet(state, a, first)) continue
    const second = first.neighbours.find(other => mayMeet(state, b, other))
    if (second === undefined) continue
    part(first, second, outbox)
    meet(a, first, outbox)
    return meet(b, second, outbox)
  }
  return false
}

/** The nearest and least loaded member that may become a neighbour. */
function best(state: SchedulerState, member: Member, candidates: readonly Member[]): Member | undefined {
  let found: Member | undefined
  for (const other of candidates) {
    if (other.neighbours.length >= state.config.maxNeighbours || !mayMeet(state, member, other)) continue
    if (found === undefined || localScore(state, other, member) < localScore(state, found, member)) found = other
  }
  return found
}

/** Members of the island at random: all of a small one. */
function draw(state: SchedulerState, island: Island): readonly Member[] {
  const all = everybodyOn(island.rings)
  const from = nextBelow(state.random, all.length)
  if (all.length <= 2 * DRAWS) return [...all.slice(from), ...all.slice(0, from)]
  return Array.from({ length: DRAWS }, () => all[nextBelow(state.random, all.length)] ?? []).flat()
}

function meet(member: Member, other: Member, outbox: Outbox): true {
  link(member, other)
  sendConnect(outbox, member, [other])
  return true
}
