import { type Outbox, sendConnect } from './outbox.ts'
import { nextBelow, nextRandom } from './random.ts'
import type { Member, SchedulerState, Task } from './state.ts'

/** Members drawn for each neighbour wanted: the choice among them is nearly that among all, and costs the same in any swarm. */
const DRAWS_PER_NEIGHBOUR = 4

/** How many peers a member may be kept apart from; the oldest is forgotten first. */
const MAX_AVOIDED = 64

/** Makes two members neighbours. */
export function link(task: Task, a: Member, b: Member): void {
  a.neighbours.push(b)
  b.neighbours.push(a)
  task.edges++
}

/** Ends that two members are neighbours, and sees to it that neither stays lonely. @returns whether they were */
export function unlink(state: SchedulerState, task: Task, a: Member, b: Member): boolean {
  const at = a.neighbours.indexOf(b)
  if (at < 0) return false
  a.neighbours.splice(at, 1)
  b.neighbours.splice(b.neighbours.indexOf(a), 1)
  task.edges--
  for (const member of [a, b]) markIfLonely(state, task, member)
  return true
}

/** Ends all of a member's neighbourhoods. O(degree). */
export function unlinkAll(state: SchedulerState, task: Task, member: Member): void {
  for (const neighbour of [...member.neighbours]) unlink(state, task, member, neighbour)
}

/**
 * Has a member refilled on the next tick if it has too few neighbours. One that only offers is left alone: it is found by those
 * that want, and a finished swarm of thousands must cost nothing.
 */
export function markIfLonely(state: SchedulerState, task: Task, member: Member): void {
  if (member.wants && member.neighbours.length < state.config.minNeighbours) task.lonely.add(member)
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

/**
 * Gives a newcomer its neighbours. In a swarm where members already have many, a newcomer gets `minNeighbours` and waits to be
 * chosen by later ones: so there is always room somewhere, and newcomers do not end up among themselves.
 */
export function introduce(state: SchedulerState, task: Task, member: Member, outbox: Outbox): void {
  const { minNeighbours, targetNeighbours, maxNeighbours } = state.config
  const meanDegree = (2 * task.edges) / Math.max(1, task.roster.length)
  const crowded = meanDegree > (targetNeighbours + maxNeighbours) / 2
  addNeighbours(state, task, member, crowded ? minNeighbours : targetNeighbours, outbox)
  markIfLonely(state, task, member)
}

/** Refills the members that have too few neighbours. A swarm too small to fill them is looked at again on every tick. */
export function refillLonely(state: SchedulerState, task: Task, outbox: Outbox): void {
  for (const member of [...task.lonely]) {
    const { length } = member.neighbours
    if (length < state.config.minNeighbours && !member.peer.isolated) {
      addNeighbours(state, task, member, state.config.targetNeighbours - length, outbox)
    }
    if (!member.wants || member.neighbours.length >= state.config.minNeighbours) task.lonely.delete(member)
  }
}

/** Finds up to `wanted` new neighbours for a member and has it dial them. */
export function addNeighbours(state: SchedulerState, task: Task, member: Member, wanted: number, outbox: Outbox): void {
  const room = Math.min(wanted, state.config.maxNeighbours - member.neighbours.length)
  if (room <= 0 || member.peer.isolated) return
  const { zone } = member.peer.labels
  const ofZone = zone === undefined ? undefined : task.zones.get(zone)
  const chosen: Member[] = []
  if (ofZone !== undefined) chooseFrom(state, ofZone, member, Math.floor(room / 2), localScore, chosen)
  chooseFrom(state, task.roster, member, room - chosen.length, loadScore, chosen)
  sendConnect(outbox, task, member, chosen)
  for (const other of chosen) link(task, member, other)
}

/** Whether two members may become neighbours, apart from how many they have already. */
export function mayMeet(state: SchedulerState, a: Member, b: Member): boolean {
  if (a === b || a.peer.isolated || b.peer.isolated || (!a.wants && !b.wants)) return false
  return !a.neighbours.includes(b) && !isAvoiding(state, a, b) && !isAvoiding(state, b, a)
}

/** How willingly a member is chosen as a neighbour by others: less is better. */
export function loadScore(state: SchedulerState, candidate: Member): number {
  return candidate.neighbours.length + 2 * (state.standings.get(candidate.peer.id)?.strikes ?? 0)
}

type Score = (state: SchedulerState, candidate: Member, member: Member) => number

/** Within a zone, a member in the same IDC or rack may have a few neighbours more and still be preferred. */
function localScore(state: SchedulerState, candidate: Member, member: Member): number {
  const a = candidate.peer.labels
  const b = member.peer.labels
  const sameIdc = a.idc !== undefined && a.idc === b.idc
  const sameRack = sameIdc && a.rack !== undefined && a.rack === b.rack
  return loadScore(state, candidate) - (sameIdc ? 1 : 0) - (sameRack ? 1 : 0)
}

/** Adds to `chosen` the `wanted` members of the least score among some drawn from the pool. */
function chooseFrom(
  state: SchedulerState,
  pool: readonly Member[],
  member: Member,
  wanted: number,
  score: Score,
  chosen: Member[],
): void {
  if (wanted <= 0) return
  const ranked = draw(state, pool, wanted * DRAWS_PER_NEIGHBOUR)
    .filter(other => other.neighbours.length < state.config.maxNeighbours && !chosen.includes(other))
    .filter(other => mayMeet(state, member, other))
    .map(other => ({ other, score: score(state, other, member), tie: nextRandom(state.random) }))
    .sort((a, b) => a.score - b.score || a.tie - b.tie)
  for (const { other } of ranked.slice(0, wanted)) chosen.push(other)
}

/** Distinct members of the pool at random: all of a small one, about `count` of a large one. */
function draw(state: SchedulerState, pool: readonly Member[], count: number): readonly Member[] {
  if (pool.length <= 2 * count) return pool
  const drawn = new Set<Member>()
  for (let index = 0; index < count; index++) {
    const member = pool[nextBelow(state.random, pool.length)]
    if (member !== undefined) drawn.add(member)
  }
  return [...drawn]
}

function isAvoiding(state: SchedulerState, member: Member, other: Member): boolean {
  return (member.avoid?.get(other.peer.id) ?? 0) > state.nowMs
}
