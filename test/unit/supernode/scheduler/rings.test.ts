import { expect, test } from 'vitest'
import {
  areRingNeighbours,
  createRings,
  enterRings,
  leaveRings,
  ringNeighbours,
  ringPositions,
} from '../../../../supernode/scheduler/rings.ts'
import type { Member } from '../../../../supernode/scheduler/state.ts'
import { range, SchedulerFixture } from '../../../helpers/scheduler-fixture.ts'

/** Members that stand at the given places of one ring. */
function membersAt(positions: Record<string, number>): Record<string, Member> {
  const scheduler = new SchedulerFixture()
  return Object.fromEntries(
    Object.entries(positions).map(([id, position]) => {
      scheduler.join(id)
      const member = scheduler.member(id)
      return [id, { ...member, peer: { ...member.peer, positions: [position] } }]
    }),
  )
}

function idsOf(members: readonly Member[] | undefined): string[] {
  return (members ?? []).map(({ peer }) => peer.id)
}

test('members stand in the order of their positions, those at the same place by their ids', () => {
  const rings = createRings(1)
  const members = membersAt({ c: 5, a: 9, b: 5, e: -7, d: 5 })
  for (const member of Object.values(members)) enterRings(rings, member)
  expect(idsOf(rings[0]?.members)).toEqual(['e', 'b', 'c', 'd', 'a'])
  for (const member of Object.values(members)) leaveRings(rings, member)
  expect(rings).toEqual(createRings(1))
})

test('a ring is closed: the last comes before the first', () => {
  const rings = createRings(1)
  const { a, b, c, d } = membersAt({ a: 1, b: 2, c: 3, d: 4 })
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw new Error('four members')
  expect(enterRings(rings, a)).toEqual([])
  // A pair of two different members is what can part.
  expect(enterRings(rings, c)).toEqual([])
  expect(enterRings(rings, d).map(idsOf)).toEqual([['c', 'a']])
  expect(enterRings(rings, b).map(idsOf)).toEqual([['a', 'c']])
  expect(idsOf(ringNeighbours(rings, a))).toEqual(['d', 'b'])
  expect(areRingNeighbours(rings, a, d)).toBe(true)
  expect(areRingNeighbours(rings, d, a)).toBe(true)
  expect(areRingNeighbours(rings, a, c)).toBe(false)
  expect(leaveRings(rings, a).map(idsOf)).toEqual([['d', 'b']])
  expect(leaveRings(rings, a)).toEqual([])
})

test('positions depend on nothing but the id, and on one ring say nothing about another', () => {
  const all = range(2_000).map(index => ringPositions(`12D3KooW${index}`, 3))
  expect(ringPositions('12D3KooW7', 3)).toEqual(all[7])
  for (const [ring, other] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const ranks = ranksOf(all.map(positions => positions[ring] ?? 0))
    const otherRanks = ranksOf(all.map(positions => positions[other] ?? 0))
    expect(Math.abs(correlation(ranks, otherRanks))).toBeLessThan(0.06)
  }
})

function ranksOf(values: readonly number[]): number[] {
  const sorted = values.toSorted((a, b) => a - b)
  return values.map(value => sorted.indexOf(value))
}

function correlation(a: readonly number[], b: readonly number[]): number {
  const mean = (a.length - 1) / 2
  let both = 0
  let square = 0
  for (const [index, value] of a.entries()) {
    both += (value - mean) * ((b[index] ?? 0) - mean)
    square += (value - mean) ** 2
  }
  return both / square
}
