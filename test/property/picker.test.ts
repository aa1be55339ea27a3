import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pick } from '../../dfget/peer/picker/pick.ts'
import type { PickView } from '../../dfget/peer/picker/view.ts'
import { holding, neighbour, viewOf } from '../helpers/picker-view.ts'

const MAX_BLOCKS = 40
const PEERS = ['a', 'b', 'c', 'd', 'e']
const blocks = fc.uniqueArray(fc.nat(MAX_BLOCKS + 4), { maxLength: MAX_BLOCKS })

const neighbours = fc
  .uniqueArray(
    fc.record({ peer: fc.constantFrom(...PEERS), blocks, rateBytesPerMs: fc.nat(1_000), suspect: fc.boolean() }),
    { selector: ({ peer }) => peer },
  )
  .map(all => all.map(({ peer, blocks, ...rest }) => ({ peer, blocks, rest })))

const inFlight = fc.uniqueArray(
  fc.tuple(fc.nat(MAX_BLOCKS), fc.uniqueArray(fc.constantFrom(...PEERS, 'supernode'), { minLength: 1, maxLength: 2 })),
  { selector: ([block]) => block, maxLength: 12 },
)

const view: fc.Arbitrary<PickView> = fc
  .record({
    blockCount: fc.nat(MAX_BLOCKS),
    mapComplete: fc.boolean(),
    have: blocks,
    inFlight,
    grants: blocks,
    neighbours,
    heads: fc.array(fc.nat(MAX_BLOCKS + 4), { maxLength: 3 }),
    window: fc.nat(10),
    maxInFlight: fc.nat(30),
    maxInFlightPerPeer: fc.integer({ min: 1, max: 8 }),
    randomSeed: fc.integer(),
  })
  .map(({ have, inFlight, grants, neighbours, ...rest }) => {
    const missing = inFlight.filter(([block]) => block < rest.blockCount && !have.includes(block))
    const asked = (peer: string) => missing.filter(([, peers]) => peers.includes(peer)).length
    return viewOf({
      ...rest,
      have: holding(have.filter(block => block < rest.blockCount)),
      inFlight: new Map(missing),
      grants: new Set(grants),
      neighbours: neighbours.map(({ peer, blocks, rest }) =>
        neighbour(peer, blocks, { ...rest, inFlight: asked(peer) }),
      ),
    })
  })

function requestsTo(view: PickView, peer: string): number {
  return pick(view).filter(request => request.peer === peer).length
}

test('every request can be answered, is new, and stays within the limits', () => {
  fc.assert(
    fc.property(view, view => {
      const requests = pick(view)
      const sources = new Map([...view.inFlight].map(([block, peers]) => [block, [...peers]]))
      const before = [...sources.values()].flat().length
      expect(requests.length).toBeLessThanOrEqual(Math.max(0, view.maxInFlight - before))
      for (const { peer, block } of requests) {
        expect(block).toBeLessThan(view.blockCount)
        expect(view.have.has(block)).toBe(false)
        if (peer === view.supernode) expect(view.grants.has(block)).toBe(true)
        else expect(view.neighbours.find(neighbour => neighbour.peer === peer)?.has.has(block)).toBe(true)
        const asked = sources.get(block) ?? []
        expect(asked).not.toContain(peer)
        asked.push(peer)
        expect(asked.length).toBeLessThanOrEqual(2)
        sources.set(block, asked)
      }
      for (const { peer, inFlight } of view.neighbours) {
        expect(requestsTo(view, peer)).toBeLessThanOrEqual(Math.max(0, view.maxInFlightPerPeer - inFlight))
      }
    }),
    { numRuns: 500 },
  )
})

test('nothing that could be asked for is left while there is room', () => {
  fc.assert(
    fc.property(view, view => {
      const requests = pick(view)
      const before = [...view.inFlight.values()].flat().length
      if (requests.length >= view.maxInFlight - before) return
      const asked = new Set([...view.inFlight.keys(), ...requests.map(({ block }) => block)])
      for (const { peer, has, inFlight } of view.neighbours) {
        if (inFlight + requestsTo(view, peer) >= view.maxInFlightPerPeer) continue
        const left = [...has].filter(block => block < view.blockCount && !view.have.has(block) && !asked.has(block))
        expect(left).toEqual([])
      }
    }),
    { numRuns: 500 },
  )
})

test('a second source is asked only when every missing block has one', () => {
  fc.assert(
    fc.property(view, view => {
      const requests = pick(view)
      const again = requests.filter(({ peer, block }) => view.inFlight.has(block) && peer !== view.supernode)
      if (again.length === 0) return
      expect(view.mapComplete).toBe(true)
      const asked = new Set([...view.inFlight.keys(), ...requests.map(({ block }) => block)])
      for (let block = 0; block < view.blockCount; block++) expect(view.have.has(block) || asked.has(block)).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('the head that a reader waits for is the first request to a neighbour', () => {
  fc.assert(
    fc.property(view, fc.nat(MAX_BLOCKS), (view, head) => {
      const single = { ...view, heads: [head], window: 1, grants: new Set<number>() }
      const free = single.neighbours.some(
        neighbour => neighbour.has.has(head) && neighbour.inFlight < single.maxInFlightPerPeer,
      )
      const open = head < single.blockCount && !single.have.has(head) && !single.inFlight.has(head)
      const [first] = pick(single)
      if (free && open && first !== undefined) expect(first.block).toBe(head)
    }),
    { numRuns: 500 },
  )
})

test('the same view gives the same requests', () => {
  fc.assert(
    fc.property(view, view => {
      expect(pick(view)).toEqual(pick(view))
    }),
  )
})
