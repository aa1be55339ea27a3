import { describe, expect, test } from 'vitest'
import { pick } from '../../../dfget/peer/picker/pick.ts'
import type { PickView } from '../../../dfget/peer/picker/view.ts'
import { holding, neighbour, viewOf } from '../../helpers/picker-view.ts'

const ALL = Array.from({ length: 16 }, (_, index) => index)

/** The requests as `peer:block`. */
function picked(view: Partial<PickView>): string[] {
  return pick(viewOf(view)).map(({ peer, block }) => `${peer}:${block}`)
}

function blocksPicked(view: Partial<PickView>): number[] {
  return pick(viewOf(view)).map(({ block }) => block)
}

describe('grants', () => {
  test('come first, from the supernode, in order', () => {
    const requests = picked({ grants: new Set([9, 3, 5]), neighbours: [neighbour('a', [0])], heads: [0] })
    expect(requests).toEqual(['supernode:3', 'supernode:5', 'supernode:9', 'a:0'])
  })

  test('are bounded by twice what another peer may be asked for, those in flight included', () => {
    const view = { grants: new Set(ALL), maxInFlightPerPeer: 2 }
    expect(picked(view)).toHaveLength(4)
    expect(picked({ ...view, inFlight: new Map([[0, ['supernode']]]) })).toEqual([1, 2, 3].map(b => `supernode:${b}`))
  })

  test('are not asked for when held, unknown or asked for already', () => {
    const view = {
      grants: new Set([0, 1, 2, 99]),
      have: holding([0]),
      inFlight: new Map([[1, ['supernode']]]),
    }
    expect(picked(view)).toEqual(['supernode:2'])
  })

  test('of a block that a neighbour does not deliver make the supernode its second source', () => {
    expect(picked({ grants: new Set([0]), inFlight: new Map([[0, ['a']]]) })).toEqual(['supernode:0'])
    expect(picked({ grants: new Set([0]), inFlight: new Map([[0, ['a', 'b']]]) })).toEqual([])
  })

  test('are the only blocks for which the supernode is asked', () => {
    expect(picked({ heads: [0] })).toEqual([])
  })
})

describe('order', () => {
  test('each head comes first, then the windows, then the rest', () => {
    const blocks = blocksPicked({ neighbours: [neighbour('a', ALL)], heads: [4, 10] })
    expect(blocks.slice(0, 2)).toEqual([4, 10])
    expect(blocks.slice(2, 8).sort((a, b) => a - b)).toEqual([5, 6, 7, 11, 12, 13])
    expect(blocks.slice(8).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 8, 9, 14, 15])
  })

  test('the head is the first missing block of its window', () => {
    expect(blocksPicked({ neighbours: [neighbour('a', ALL)], heads: [4], have: holding([4, 5]) })[0]).toBe(6)
  })

  test('within the window the rarest comes first', () => {
    const neighbours = [neighbour('a', ALL), neighbour('b', [0, 1, 2, 4, 5]), neighbour('c', [0, 1, 4, 5])]
    expect(blocksPicked({ neighbours, heads: [0] }).slice(0, 4)).toEqual([0, 3, 2, 1])
  })

  test('without a reader the rarest comes first, equals differ by seed', () => {
    const neighbours = [neighbour('a', ALL), neighbour('b', ALL.slice(0, 12)), neighbour('c', ALL.slice(0, 8))]
    const first = blocksPicked({ neighbours })
    expect(first.slice(0, 4).sort((a, b) => a - b)).toEqual([12, 13, 14, 15])
    expect(first.slice(4, 8).sort((a, b) => a - b)).toEqual([8, 9, 10, 11])
    expect(blocksPicked({ neighbours })).toEqual(first)
    expect(blocksPicked({ neighbours, randomSeed: 2 })).not.toEqual(first)
  })

  test('blocks that are held, unknown or in flight are not asked for', () => {
    const blocks = blocksPicked({
      blockCount: 10,
      neighbours: [neighbour('a', ALL)],
      have: holding([0, 1]),
      inFlight: new Map([[2, ['a']]]),
      heads: [0],
    })
    expect(blocks.sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9])
  })
})

describe('sources', () => {
  test('the neighbour that will probably deliver first is asked', () => {
    const neighbours = [
      neighbour('slow', [0], { rateBytesPerMs: 100 }),
      neighbour('busy', [0], { rateBytesPerMs: 1_000, inFlight: 9 }),
      neighbour('good', [0], { rateBytesPerMs: 500, inFlight: 1 }),
    ]
    expect(picked({ neighbours })).toEqual(['good:0'])
  })

  test('what this call asks of a neighbour counts for its next choice', () => {
    const neighbours = [neighbour('a', ALL), neighbour('b', ALL, { rateBytesPerMs: 3_000 })]
    const peers = pick(viewOf({ neighbours })).map(({ peer }) => peer)
    expect(peers.filter(peer => peer === 'b')).toHaveLength(12)
  })

  test('an untried neighbour counts as an average one', () => {
    const neighbours = [neighbour('slow', [0], { rateBytesPerMs: 10 }), neighbour('new', [0], { rateBytesPerMs: 0 })]
    const average = [...neighbours, neighbour('fast', [9], { rateBytesPerMs: 1_000 })]
    expect(picked({ neighbours: average, heads: [0] })[0]).toBe('new:0')
    expect(picked({ neighbours: [neighbour('new', [0], { rateBytesPerMs: 0 })] })).toEqual(['new:0'])
  })

  test('suspects are asked only where nobody else can be', () => {
    const suspect = neighbour('suspect', [0, 1], { rateBytesPerMs: 9_000, suspect: true })
    expect(picked({ neighbours: [suspect, neighbour('a', [0])], heads: [0] })).toEqual(['a:0', 'suspect:1'])
  })

  test('nobody is asked for more than its share, nor all for more than the total', () => {
    const neighbours = [neighbour('a', ALL, { inFlight: 1 }), neighbour('b', ALL)]
    expect(picked({ neighbours, maxInFlightPerPeer: 3 })).toHaveLength(5)
    expect(picked({ neighbours, maxInFlight: 4, inFlight: new Map([[0, ['a', 'b']]]) })).toHaveLength(2)
    expect(picked({ neighbours, maxInFlight: 1, inFlight: new Map([[0, ['a', 'b']]]) })).toEqual([])
  })
})

describe('end game', () => {
  const neighbours = [neighbour('a', ALL), neighbour('b', ALL)]
  const last = { neighbours, blockCount: 4, have: holding([0]) }

  test('a second source is asked when all that is missing is in flight, the head first', () => {
    const inFlight = new Map(([1, 2, 3] as const).map(block => [block, ['a']]))
    expect(picked({ ...last, inFlight, heads: [2] })).toEqual(['b:2', 'b:1', 'b:3'])
  })

  test('no third source, and not the same peer twice', () => {
    const inFlight = new Map([
      [1, ['a', 'c']],
      [2, ['a']],
      [3, ['b']],
    ])
    expect(picked({ ...last, inFlight })).toEqual(['b:2', 'a:3'])
  })

  test('does not begin while the origin is still being read', () => {
    const inFlight = new Map(([1, 2, 3] as const).map(block => [block, ['a']]))
    expect(picked({ ...last, inFlight, mapComplete: false })).toEqual([])
  })

  test('does not begin while a missing block is held by nobody', () => {
    const inFlight = new Map([[1, ['a']]])
    expect(picked({ ...last, neighbours: [neighbour('a', [1]), neighbour('b', [1])], inFlight })).toEqual([])
  })
})

test('of very many blocks only a sample is compared, from all over the task', () => {
  const blockCount = 20_000
  const everything = Array.from({ length: blockCount }, (_, index) => index)
  const view = { blockCount, neighbours: [neighbour('a', everything)], maxInFlight: 200, maxInFlightPerPeer: 200 }
  const blocks = blocksPicked(view)
  expect(new Set(blocks).size).toBe(200)
  expect(new Set(blocks.map(block => Math.floor(block / 2_000))).size).toBe(10)
})

test('the one block that can be had among very many is found', () => {
  expect(picked({ blockCount: 20_000, neighbours: [neighbour('a', [13_337])] })).toEqual(['a:13337'])
})
