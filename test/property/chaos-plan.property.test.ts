import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FAULT_KINDS, isOutage, placesOf } from '../chaos/plan/fault.ts'
import { planChaos } from '../chaos/plan/plan.ts'

const inits = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  minutes: fc.integer({ min: 2, max: 12 }),
  nodes: fc.integer({ min: 3, max: 12 }),
})

test('the same seed gives the same plan, another one another', () => {
  fc.assert(
    fc.property(inits, init => {
      expect(planChaos(init)).toEqual(planChaos(init))
      expect(planChaos(init).faults).not.toEqual(planChaos({ ...init, seed: init.seed + 1 }).faults)
    }),
    { numRuns: 30 },
  )
})

test('every fault begins and heals while faults are due, and no two are in the same place at once', () => {
  fc.assert(
    fc.property(inits, init => {
      const { faults, phases } = planChaos(init)
      expect(faults.map(({ id }) => id)).toEqual(faults.map((_, index) => index + 1))
      faults.forEach((fault, index) => {
        expect(fault.atMs).toBeGreaterThanOrEqual(phases.faults.fromMs)
        expect(fault.atMs + fault.forMs).toBeLessThanOrEqual(phases.faults.toMs)
        expect(fault.atMs).toBeGreaterThanOrEqual(faults[index - 1]?.atMs ?? 0)
        const places = new Set(placesOf(fault))
        for (const other of faults.slice(0, index)) {
          const overlaps = other.atMs + other.forMs > fault.atMs
          if (overlaps) expect(placesOf(other).filter(place => places.has(place))).toEqual([])
        }
      })
    }),
    { numRuns: 60 },
  )
})

test('nobody is cut off from the registry', () => {
  fc.assert(
    fc.property(inits, init => {
      for (const { kind, target, from = [] } of planChaos(init).faults) {
        if (kind === 'link-cut') expect([target, ...from]).not.toContain('registry')
        if (target === 'registry') expect(isOutage({ kind }) || kind === 'link-halve').toBe(true)
      }
    }),
    { numRuns: 60 },
  )
})

test('three minutes have every kind of fault', () => {
  fc.assert(
    fc.property(inits, init => {
      const kinds = new Set(planChaos({ ...init, minutes: 3, nodes: 6 }).faults.map(({ kind }) => kind))
      expect(kinds.size).toBeGreaterThanOrEqual(FAULT_KINDS.length)
    }),
    { numRuns: 60 },
  )
})

test('every node pulls every image, the first time and again, and only while there is load', () => {
  fc.assert(
    fc.property(inits, init => {
      const { load, nodes, phases } = planChaos(init)
      for (const { atMs, image } of load.pulls) {
        expect(phases.loads.some(({ fromMs, toMs }) => atMs >= fromMs && atMs < toMs)).toBe(true)
        expect(load.images[image]).toBeDefined()
      }
      for (const image of load.images.keys()) {
        const pullers = new Set(load.pulls.filter(pull => pull.image === image).map(({ node }) => node))
        expect([...pullers].sort()).toEqual([...nodes].sort())
      }
      for (const { layers, sizeBytes } of load.images) {
        expect(layers).toBeGreaterThanOrEqual(1)
        expect(sizeBytes).toBeGreaterThanOrEqual(Math.max(64 * 1024, layers * 8 * 1024))
        expect(sizeBytes).toBeLessThanOrEqual(64 * 1024 * 1024)
      }
    }),
    { numRuns: 20 },
  )
})

test('ten minutes with six nodes have a thousand pulls', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), seed => {
      expect(planChaos({ seed, minutes: 10, nodes: 6 }).load.pulls.length).toBeGreaterThan(1_200)
    }),
    { numRuns: 10 },
  )
})
