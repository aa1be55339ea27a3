import type { Member } from './state.ts'

/**
 * A binary heap of the members that may be granted blocks, each knowing its place. First comes the one with the fewest grants
 * open (lost places count as open), then the one that holds the fewest blocks, then whoever drew the lower number.
 */
export type GrantQueue = Member[]

/** The grants that count against a member's window. */
export function grantLoad(member: Member): number {
  return member.openGrants + member.missed
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
  const byLoad = grantLoad(a) - grantLoad(b)
  if (byLoad !== 0) return byLoad < 0
  const byHeld = a.have.count - b.have.count
  return byHeld !== 0 ? byHeld < 0 : a.tie < b.tie
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
