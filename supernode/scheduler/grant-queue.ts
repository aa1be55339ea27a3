import type { Member } from './state.ts'

/**
 * A binary heap of the members that may be granted blocks, each knowing its place. First come those with room in their window,
 * pulls before background work, and laggards last, as a slow member keeps an upload of the supernode busy for long; among them the
 * one with the fewest grants open (lost places count as open), then the one that was given the fewest, then whoever drew the
 * lower number.
 */
export type GrantQueue = Member[]

/** The grants that count against a member's window. */
export function grantLoad(member: Member): number {
  return member.openGrants + member.missed
}

/** Whether a member may be granted one more block. */
export function hasRoom(member: Member): boolean {
  return grantLoad(member) < member.island.task.windowBlocks
}

/** The member to grant to next, if any has room. O(1). */
export function firstWithRoom(queue: GrantQueue): Member | undefined {
  const first = queue[0]
  return first !== undefined && hasRoom(first) ? first : undefined
}

/** Adds a member that is not in the queue. O(log n). */
export function enqueueMember(queue: GrantQueue, member: Member): void {
  member.queueAt = queue.length
  queue.push(member)
  siftUp(queue, member)
}

/** Takes a member out, if it is in. O(log n). */
export function dequeueMember(queue: GrantQueue, member: Member): void {
  if (member.queueAt < 0) return
  const last = queue.pop()
  if (last !== undefined && last !== member) {
    last.queueAt = member.queueAt
    queue[last.queueAt] = last
    requeueMember(queue, last)
  }
  member.queueAt = -1
}

/** Puts a member that is in the queue where it belongs now. O(log n). */
export function requeueMember(queue: GrantQueue, member: Member): void {
  if (member.queueAt < 0) return
  siftUp(queue, member)
  siftDown(queue, member)
}

function before(a: Member, b: Member): boolean {
  const byRank = rank(a) - rank(b)
  if (byRank !== 0) return byRank < 0
  const byLoad = grantLoad(a) - grantLoad(b)
  if (byLoad !== 0) return byLoad < 0
  return a.given !== b.given ? a.given < b.given : a.tie < b.tie
}

function rank(member: Member): number {
  if (!hasRoom(member)) return 4
  return 2 * Number(member.background) + Number(member.lags)
}

function siftUp(queue: GrantQueue, member: Member): void {
  let at = member.queueAt
  while (at > 0) {
    const parent = queue[(at - 1) >> 1]
    if (parent === undefined || !before(member, parent)) break
    queue[at] = parent
    const place = (at - 1) >> 1
    parent.queueAt = at
    at = place
  }
  queue[at] = member
  member.queueAt = at
}

function siftDown(queue: GrantQueue, member: Member): void {
  let at = member.queueAt
  for (;;) {
    const left = queue[2 * at + 1]
    if (left === undefined) break
    const right = queue[2 * at + 2]
    const child = right !== undefined && before(right, left) ? right : left
    if (!before(child, member)) break
    const place = child.queueAt
    queue[at] = child
    child.queueAt = at
    at = place
  }
  queue[at] = member
  member.queueAt = at
}
