import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { median } from '../../bench/measure/median.ts'
import { drawPlot } from './report/plot.ts'
import { SCENARIOS } from './scenarios/scenarios.ts'
import { scenarioNamed, simulate } from './simulate.ts'
import type { WorldSpec } from './world/spec.ts'

const MB = 1e6
const REAL_SWARMS = new URL('../../bench/results/swarm.jsonl', import.meta.url)

/** What is used here of a line that `npm run bench -- swarm --json` printed. */
interface RealSwarm {
  readonly peers: number
  readonly imageBytes: number
  readonly maxRatio: number
  readonly bitsPerSecond: { readonly node: number }
}

/** A scenario made so small that it takes a second or two. Fewer blocks and fewer nodes end further from the limit than the real ones. */
function small(name: string, { peers = 40, sizeBytes = 100 * MB, seed = 1 } = {}) {
  return simulate(name, scenarioNamed(name).build({ seed, peers, sizeBytes }), { watch: false }).figures
}

/** What a run says about itself apart from how long it took on this machine. */
function reproducible({
  wallMs,
  schedulerCpuMsPerPeer,
  schedulerEventsPerSecond,
  schedulerBytesPerPeer,
  ...rest
}: ReturnType<typeof small>) {
  expect([wallMs, schedulerCpuMsPerPeer, schedulerEventsPerSecond, schedulerBytesPerPeer].every(Number.isFinite)).toBe(
    true,
  )
  return rest
}

test('the seed decides everything', () => {
  const first = reproducible(small('churn'))
  expect(reproducible(small('churn'))).toEqual(first)
  expect(reproducible(small('churn', { seed: 2 }))).not.toEqual(first)
})

describe('a healthy swarm', () => {
  test.for(['kraken', 'flash-2000', 'fleet-15k'])(
    'of scenario %s ends near the limit, with one copy from the origin',
    name => {
      const figures = small(name, { sizeBytes: 200 * MB })
      expect(figures).toMatchObject({
        boundBy: 'slowest-link',
        originRatio: 1,
        crossZoneRatio: 0,
      })
      expect(figures.duplicateBlockRatio).toBeLessThan(0.01)
      expect(figures.minRatio).toBeGreaterThanOrEqual(1)
      expect(figures.p50Ratio).toBeLessThan(1.1)
      expect(figures.maxRatio).toBeLessThan(1.15)
      expect(figures.supernodeEgressRatio).toBeLessThan(1.05)
    },
  )

  test('of three zones sends each block once into each', () => {
    const figures = small('zones', { peers: 45 })
    expect(figures.originRatio).toBe(1)
    expect(figures.crossZoneRatio).toBeGreaterThanOrEqual(3)
    expect(figures.crossZoneRatio).toBeLessThan(3.3)
  })
})

describe('in trouble everybody who stays has everything at the end', () => {
  test.for(SCENARIOS.map(({ name }) => name).filter(name => name !== 'tiny' && name !== 'huge'))(
    'scenario %s',
    name => {
      const figures = small(name, { peers: 30, sizeBytes: 30 * MB })
      expect(figures.maxRatio).toBeGreaterThan(0.9)
    },
  )

  test('when the supernode dies early, the nodes read different parts of the rest and share them', () => {
    const situation = scenarioNamed('supernode-dies').build({ seed: 1, peers: 100, sizeBytes: 200 * MB })
    const { spec } = situation
    const early = { ...situation, spec: { ...spec, supernode: { ...spec.supernode, diesAtMs: 200 } } }
    const { figures } = simulate('supernode-dies', early, { watch: false })
    expect(figures.supernodeEgressRatio).toBeLessThan(0.9)
    expect(figures.originRatio).toBeGreaterThan(1)
    expect(figures.originRatio).toBeLessThan(4)
    expect(figures.maxRatio).toBeLessThan(1.2)
  })
})

test.for([
  { mbps: 20, unfairness: 0.7, maxEgress: 1.1, maxRatio: 1.3 },
  { mbps: 5, unfairness: 0.7, maxEgress: 1.15, maxRatio: 1.3 },
  { mbps: 5, unfairness: 0, maxEgress: 1.01, maxRatio: 1.2 },
])(
  'on links of $mbps Mbit/s and unfairness $unfairness the supernode sends little more than one copy',
  ({ mbps, unfairness, ...most }) => {
    const { spec, counts } = scenarioNamed('bench-swarm').build({ seed: 1, sizeBytes: 128 * MB })
    const slow = { ...slowed(spec, mbps / 100), unfairness }
    const { figures } = simulate('bench-swarm', { spec: slow, counts }, { watch: false })
    expect(figures.supernodeEgressRatio).toBeLessThan(most.maxEgress)
    expect(figures.originRatio).toBeLessThan(1.05)
    expect(figures.maxRatio).toBeLessThan(most.maxRatio)
  },
)

test('many small layers and a huge one come to an end', () => {
  expect(small('tiny', { peers: 10, sizeBytes: 2 * MB }).originRatio).toBe(1)
  expect(small('huge', { peers: 5, sizeBytes: 400 * MB }).originRatio).toBe(1)
})

test('a scenario that there is not is refused with those that there are', () => {
  expect(() => scenarioNamed('storm')).toThrow(/there is no scenario "storm"; there are: kraken, /)
})

test('a run can be drawn', () => {
  const { figures, samples } = simulate(
    'kraken',
    scenarioNamed('kraken').build({ seed: 1, peers: 10, sizeBytes: 20 * MB }),
    { watch: true },
  )
  expect(samples[0]).toMatchObject({ atMs: 0, complete: 0, rarest: 0 })
  expect(samples.at(-1)).toMatchObject({ complete: 1, rarest: 1, mean: 1 })
  const svg = drawPlot(figures, samples)
  expect(svg).toMatch(/^<svg .*<\/svg>\n$/s)
  expect(svg.match(/<polyline /g)).toHaveLength(3)
})

test('the twin of a real swarm takes as long as that did, within a tenth', () => {
  const real = lastRealSwarm(20e6)
  const maxRatios = [1, 2, 3, 4, 5].map(seed => {
    const { spec, counts } = scenarioNamed('bench-swarm').build({ seed, peers: real.peers, sizeBytes: real.imageBytes })
    return simulate('bench-swarm', { spec: slowed(spec, 0.2), counts }, { watch: false }).figures.maxRatio
  })
  const agreement = median(maxRatios) / real.maxRatio
  expect(agreement).toBeGreaterThan(0.9)
  expect(agreement).toBeLessThan(1.1)
})

test('lost packets lessen what links carry, not the bound', () => {
  const { spec, counts } = scenarioNamed('kraken').build({ seed: 1, peers: 5, sizeBytes: 20 * MB })
  const run = (loss: number) => simulate('lossy', { spec: { ...spec, loss }, counts }, { watch: false }).figures
  const [whole, lossy] = [run(0), run(0.1)]
  expect(lossy.boundMs).toBe(whole.boundMs)
  expect(lossy.maxRatio / whole.maxRatio).toBeCloseTo(1 / 0.9, 1)
})

/** The last recorded run of ten real nodes on links of this rate. */
function lastRealSwarm(bitsPerSecond: number) {
  const lines = readFileSync(REAL_SWARMS, 'utf8').trim().split('\n')
  const swarms = lines.map(line => JSON.parse(line) as RealSwarm)
  const last = swarms.findLast(({ bitsPerSecond: { node } }) => node === bitsPerSecond)
  if (last === undefined) throw new Error(`no swarm with ${bitsPerSecond} bit/s is recorded`)
  return last
}

/** The same on slower links. */
function slowed(spec: WorldSpec, share: number): WorldSpec {
  return {
    ...spec,
    originBytesPerMs: spec.originBytesPerMs * share,
    supernode: { ...spec.supernode, upBytesPerMs: spec.supernode.upBytesPerMs * share },
    peers: spec.peers.map(peer => ({
      ...peer,
      upBytesPerMs: peer.upBytesPerMs * share,
      downBytesPerMs: peer.downBytesPerMs * share,
    })),
  }
}
