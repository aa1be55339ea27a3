import type { PeerId } from './event.ts'
import type { Member, Ring } from './state.ts'

/*
 * Each ring is the cyclic order of the same members by another hash of their peer ids, kept as a sorted array. A union of such
 * random cycles is a regular graph of small diameter (Law & Siu, "Distributed Construction of Random Expander Networks",
 * INFOCOM 2003). As nothing but peer ids decides, peers that share several tasks are neighbours in all of them.
 */

/** Two members next to each other. */
export type Pair = readonly [Member, Member]

/** Where a peer stands on each ring: 32-bit integers that look random. */
export function ringPositions(peer: PeerId, rings: number): readonly number[] {
  return Array.from({ length: rings }, (_, ring) => hash(peer, ring))
}

/** Rings that nobody is on. */
export function createRings(count: number): readonly Ring[] {
  return Array.from({ length: count }, () => ({ members: [], positions: [] }))
}

/** All who are on the rings, in an order that looks random. */
export function everybodyOn(rings: readonly Ring[]): readonly Member[] {
  return rings[0]?.members ?? []
}

/** Puts a member on every ring. O(log n), and a move of memory. @returns the pairs that it stands between now */
export function enterRings(rings: readonly Ring[], member: Member): Pair[] {
  const parted: Pair[] = []
  rings.forEach((ring, index) => {
    const at = placeOf(ring, index, member)
    addPair(parted, ring, at - 1, at)
    ring.members.splice(at, 0, member)
    ring.positions.splice(at, 0, positionOf(member, index))
  })
  return parted
}

/** Takes a member off every ring. O(log n), and a move of memory. @returns the pairs that it stood between */
export function leaveRings(rings: readonly Ring[], member: Member): Pair[] {
  const joined: Pair[] = []
  rings.forEach((ring, index) => {
    const at = placeOf(ring, index, member)
    if (ring.members[at] !== member) return
    ring.members.splice(at, 1)
    ring.positions.splice(at, 1)
    addPair(joined, ring, at - 1, at)
  })
  return joined
}

/** The members before and after a member on each ring, each named once. O(log n). */
export function ringNeighbours(rings: readonly Ring[], member: Member): Member[] {
  const found: Member[] = []
  rings.forEach((ring, index) => {
    const at = placeOf(ring, index, member)
    for (const other of [memberAt(ring, at - 1), memberAt(ring, at + 1)]) {
      if (other !== undefined && other !== member && !found.includes(other)) found.push(other)
    }
  })
  return found
}

/** Whether two members are next to each other on a ring. O(log n). */
export function areRingNeighbours(rings: readonly Ring[], a: Member, b: Member): boolean {
  return rings.some((ring, index) => {
    const at = placeOf(ring, index, a)
    return memberAt(ring, at - 1) === b || memberAt(ring, at + 1) === b
  })
}

function addPair(pairs: Pair[], ring: Ring, before: number, after: number): void {
  const [a, b] = [memberAt(ring, before), memberAt(ring, after)]
  if (a !== undefined && b !== undefined && a !== b) pairs.push([a, b])
}

/** The last member comes before the first. */
function memberAt({ members }: Ring, at: number): Member | undefined {
  return members[at < 0 ? members.length - 1 : at === members.length ? 0 : at]
}

/** The index at which the member is, or would be. */
function placeOf({ members, positions }: Ring, index: number, member: Member): number {
  const position = positionOf(member, index)
  let low = 0
  let high = positions.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((positions[middle] ?? 0) < position) low = middle + 1
    else high = middle
  }
  // Equal positions are rare; the ids decide.
  while (positions[low] === position && (members[low]?.peer.id ?? '') < member.peer.id) low++
  return low
}

function positionOf({ peer }: Member, index: number): number {
  return peer.positions[index] ?? 0
}

/** Multiplies and shifts for every character, so that even low bits of two rings have nothing in common. Not for secrets. */
function hash(text: string, ring: number): number {
  let bits = Math.imul(ring + 1, 0x9e3779b9)
  for (let at = 0; at < text.length; at++) {
    bits = Math.imul(bits ^ text.charCodeAt(at), 0x21f0aaad)
    bits ^= bits >>> 15
  }
  bits = Math.imul(bits, 0x735a2d97)
  return bits ^ (bits >>> 15)
}
