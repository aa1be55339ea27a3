import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventQueue } from '../../simulation/engine/event-queue.ts'
import { createPipe, Flow, FlowNetwork, type Pipe } from '../../simulation/engine/flow-network.ts'

function network() {
  const queue = new EventQueue()
  const flows = new FlowNetwork({ unfairness: 0, seed: 1 })
  const done: { flow: number; atMs: number }[] = []
  let count = 0
  return {
    queue,
    flows,
    done,
    begin(pipes: Pipe[], bytes: number, weight = 1): Flow {
      const number = count++
      const flow: Flow = new Flow(queue, pipes, () => {
        done.push({ flow: number, atMs: queue.nowMs })
        flows.stop(flow)
      })
      flow.weight = weight
      flows.start(flow, bytes)
      return flow
    },
    runAll() {
      while (queue.step()) {}
    },
  }
}

describe('flows', () => {
  test('one alone has the narrowest of its pipes', () => {
    const { begin, runAll, done } = network()
    begin([createPipe(100), createPipe(25)], 1_000)
    runAll()
    expect(done).toEqual([{ flow: 0, atMs: 40 }])
  })

  test('share a pipe, and have all of it when the others are done', () => {
    const { begin, runAll, done } = network()
    const pipe = createPipe(100)
    begin([pipe], 1_000)
    begin([pipe], 2_000)
    runAll()
    expect(done).toEqual([
      { flow: 0, atMs: 20 },
      { flow: 1, atMs: 30 },
    ])
  })

  test('have what others cannot use', () => {
    const { begin } = network()
    const shared = createPipe(100)
    const slow = begin([shared, createPipe(10)], 1e6)
    const fast = begin([shared, createPipe(1_000)], 1e6)
    expect([slow.rate, fast.rate]).toEqual([10, 90])
  })

  test('have shares as they weigh', () => {
    const { begin } = network()
    const pipe = createPipe(100)
    const [light, heavy, narrow] = [begin([pipe], 1e6), begin([pipe], 1e6, 2), begin([pipe, createPipe(10)], 1e6, 3)]
    expect([light.rate, heavy.rate, narrow.rate]).toEqual([30, 60, 10])
  })

  test('are drawn other weights for each load where links are unfair, and the same by the same seed', () => {
    const rates = (seed: number) => {
      const flows = new FlowNetwork({ unfairness: 0.5, seed })
      const pipe = createPipe(100)
      const running = [1, 2, 3].map(() => new Flow(new EventQueue(), [pipe], () => {}))
      for (const flow of running) flows.start(flow, 1e6)
      const first = running.map(({ rate }) => rate)
      for (const flow of running) flows.start(flow, 1e6)
      return [first, running.map(({ rate }) => rate)]
    }
    const [first = [], second = []] = rates(1)
    expect(new Set([...first, ...second]).size).toBe(6)
    for (const all of [first, second]) expect(all.reduce((sum, rate) => sum + rate, 0)).toBeCloseTo(100, 0)
    expect(rates(1)).toEqual([first, second])
  })

  test('wait while a pipe is closed, and go on when it opens', () => {
    const { begin, runAll, flows, queue, done } = network()
    const pipe = createPipe(100)
    begin([pipe], 1_000)
    queue.after(5, { run: () => flows.setCapacity(pipe, 0) })
    queue.after(25, { run: () => flows.setCapacity(pipe, 50) })
    runAll()
    expect(done).toEqual([{ flow: 0, atMs: 35 }])
  })
})

/** Flow 3 has what the others leave of pipe 0: a thirtieth. */
const SMALL_BESIDE_LARGE: [number[], number[][], number[], number[]] = [
  [14, 10, 13, 10, 10, 10, 10, 10],
  [[0, 2], [0, 2], [0, 2], [0], [0, 2]],
  [1, 2.5, 0.3, 0.3, 0.3],
  [],
]

// A pipe is not told of a change by less than a hundredth; what that leaves of it may be much for a small flow.
test('shares are max-min fair for their weights within a few hundredths of a pipe, and no pipe carries more than it can', () => {
  const pipeCount = 8
  const routes = fc.array(fc.uniqueArray(fc.nat(pipeCount - 1), { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 30,
  })
  const capacities = fc.array(fc.integer({ min: 10, max: 1_000 }), { minLength: pipeCount, maxLength: pipeCount })
  const weights = fc.array(fc.constantFrom(1, 1, 1, 0.3, 2.5), { minLength: 30, maxLength: 30 })
  fc.assert(
    fc.property(
      capacities,
      routes,
      weights,
      fc.array(fc.nat(29), { maxLength: 10 }),
      (capacities, routes, weights, ended) => {
        const { begin, flows } = network()
        const pipes = capacities.map(createPipe)
        const running = routes.map((route, at) =>
          begin(
            route.map(index => pipes[index] as Pipe),
            1e9,
            weights[at],
          ),
        )
        for (const index of ended) {
          const flow = running[index]
          if (flow !== undefined) flows.stop(flow)
        }
        const left = running.filter(flow => flow.active)
        const fair = progressiveFilling(left)
        left.forEach((flow, index) => {
          const deviation = Math.abs(flow.rate - (fair[index] ?? 0))
          const narrowest = Math.min(...flow.pipes.map(({ capacity }) => capacity))
          expect(deviation).toBeLessThan(0.02 * flow.rate + 0.02 * narrowest)
        })
        for (const pipe of pipes) {
          expect(pipe.flows.reduce((sum, { rate }) => sum + rate, 0)).toBeLessThan(pipe.capacity * 1.02)
        }
      },
    ),
    { numRuns: 300, examples: [SMALL_BESIDE_LARGE] },
  )
})

/** The textbook algorithm: all rates grow together, by their weights, and stop where a pipe is full. */
function progressiveFilling(flows: readonly Flow[]): number[] {
  const rates = flows.map(() => 0)
  const growing = new Set(flows)
  while (growing.size > 0) {
    let step = Number.POSITIVE_INFINITY
    let narrowest: Pipe | undefined
    for (const pipe of new Set(flows.flatMap(({ pipes }) => pipes))) {
      const through = flows.filter(({ pipes }) => pipes.includes(pipe))
      const open = through.reduce((sum, flow) => sum + (growing.has(flow) ? flow.weight : 0), 0)
      if (open === 0) continue
      const used = through.reduce((sum, flow) => sum + (rates[flows.indexOf(flow)] ?? 0), 0)
      const room = (pipe.capacity - used) / open
      if (room < step) {
        step = room
        narrowest = pipe
      }
    }
    flows.forEach((flow, index) => {
      if (growing.has(flow)) rates[index] = (rates[index] ?? 0) + step * flow.weight
    })
    for (const flow of growing) if (narrowest !== undefined && flow.pipes.includes(narrowest)) growing.delete(flow)
  }
  return rates
}
