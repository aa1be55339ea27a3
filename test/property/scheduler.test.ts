import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SchedulerEvent } from '../../supernode/scheduler/event.ts'
import { bitfieldOf, SchedulerFixture, TASK } from '../helpers/scheduler-fixture.ts'
import { SchedulerModel } from '../helpers/scheduler-model.ts'
import { runRounds } from '../helpers/scheduler-rounds.ts'

const BLOCKS = 24
const peer = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j')
const zone = fc.constantFrom(undefined, 'east', 'west')
const blocks = fc.uniqueArray(fc.nat(BLOCKS - 1), { maxLength: 6 })

/** An event; its time is given by the running sum of the delays. */
type Step = { readonly delayMs: number; readonly event: (now: number) => SchedulerEvent }

const make = {
  connected: fc
    .tuple(peer, fc.oneof({ weight: 3, arbitrary: fc.constant('east') }, { weight: 1, arbitrary: zone }))
    .map(
      ([peer, zone]) =>
        () =>
          ({ type: 'peer-connected', peer, labels: { zone } }) as const,
    ),
  gone: peer.map(peer => () => ({ type: 'peer-gone', peer }) as const),
  join: fc.tuple(peer, blocks, fc.integer({ min: 0, max: 4 }), fc.constantFrom('normal', 'background', undefined)).map(
    ([peer, blocks, kind, priority]) =>
      (now: number) =>
        ({ type: 'join', peer, task: TASK, have: bitfieldOf(blocks), wants: kind > 0, priority, now }) as const,
  ),
  leave: peer.map(peer => () => ({ type: 'leave', peer, task: TASK }) as const),
  have: fc.tuple(peer, blocks).map(
    ([peer, blocks]) =>
      (now: number) =>
        ({ type: 'have', peer, task: TASK, blocks, now }) as const,
  ),
  lost: fc.tuple(peer, blocks).map(
    ([peer, blocks]) =>
      () =>
        ({ type: 'lost', peer, task: TASK, blocks }) as const,
  ),
  blocked: fc.tuple(peer, blocks).map(
    ([peer, blocks]) =>
      (now: number) =>
        ({ type: 'blocked', peer, task: TASK, blocks, now }) as const,
  ),
  hungry: fc.tuple(peer, blocks).map(
    ([peer, blocks]) =>
      (now: number) =>
        ({ type: 'hungry', peer, task: TASK, blocks, now }) as const,
  ),
  ready: fc.nat(BLOCKS).map(upTo => (now: number) => ({ type: 'blocks-ready', task: TASK, upTo, now }) as const),
  report: fc.tuple(peer, peer, fc.constantFrom('corrupt', 'stalled', 'unreachable')).map(
    ([from, about, kind]) =>
      (now: number) =>
        ({ type: 'report', from, task: TASK, about, kind, now }) as const,
  ),
  tick: fc.constant((now: number) => ({ type: 'tick', now }) as const),
}

const step: fc.Arbitrary<Step> = fc.record({
  delayMs: fc.oneof(fc.nat(300), fc.nat(300), fc.constantFrom(2_000, 20_000)),
  event: fc.oneof(
    { weight: 3, arbitrary: make.connected },
    { weight: 1, arbitrary: make.gone },
    { weight: 6, arbitrary: make.join },
    { weight: 1, arbitrary: make.leave },
    { weight: 6, arbitrary: make.have },
    { weight: 2, arbitrary: make.lost },
    { weight: 4, arbitrary: make.blocked },
    { weight: 2, arbitrary: make.hungry },
    { weight: 3, arbitrary: make.ready },
    { weight: 3, arbitrary: make.report },
    { weight: 4, arbitrary: make.tick },
  ) as fc.Arbitrary<Step['event']>,
})

/** All peers connected and joined first, so that most of what follows means something. */
const openings: SchedulerEvent[] = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].flatMap(peer => [
  { type: 'peer-connected', peer, labels: { zone: peer < 'g' ? 'east' : 'west' } },
  { type: 'join', peer, task: TASK, have: bitfieldOf([]), wants: peer !== 'f', now: 0 },
])

function eventsOf(steps: readonly Step[]): SchedulerEvent[] {
  let now = 1_000
  return [
    ...openings,
    ...steps.map(({ delayMs, event }) => {
      now += delayMs
      return event(now)
    }),
  ]
}

/** Small numbers, so that eight peers come to every bound; with two rings or more they are all neighbours at times. */
const config = fc.record({
  rings: fc.integer({ min: 1, max: 3 }),
  maxNeighbours: fc.constantFrom(6, 7),
  minNeighbours: fc.constant(2),
  maxGrantedBytes: fc.constant(0),
  minGrantedBlocks: fc.integer({ min: 4, max: 12 }),
  maxIslands: fc.integer({ min: 1, max: 3 }),
})

describe('the scheduler, for any sequence of events', () => {
  test('keeps its rules', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), config, fc.nat(), (steps, config, seed) => {
        const scheduler = new SchedulerFixture(config, seed)
        const model = new SchedulerModel()
        for (const event of eventsOf(steps)) {
          const effects = scheduler.apply(event)
          model.check(scheduler.state, scheduler.task, event, effects)
        }
      }),
      { numRuns: 40 },
    )
  })

  test('does the same for the same events and seed', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), config, fc.nat(), (steps, config, seed) => {
        const run = () => {
          const scheduler = new SchedulerFixture(config, seed)
          return eventsOf(steps).map(event => [...scheduler.apply(event)])
        }
        expect(run()).toEqual(run())
      }),
      { numRuns: 50 },
    )
  })

  test('chooses otherwise with another seed', () => {
    const swarm = { peers: 40, blocks: 30, maxRounds: 200 }
    expect(runRounds({ ...swarm, seed: 1 }).effects).toEqual(runRounds({ ...swarm, seed: 1 }).effects)
    expect(runRounds({ ...swarm, seed: 1 }).effects).not.toEqual(runRounds({ ...swarm, seed: 2 }).effects)
  })
})

describe('a swarm that does as it is told', () => {
  const sizes = { peers: fc.integer({ min: 1, max: 60 }), blocks: fc.integer({ min: 1, max: 80 }), seed: fc.nat() }

  test('has everything at every peer, and each block left the supernode once', () => {
    fc.assert(
      fc.property(fc.record(sizes), swarm => {
        const result = runRounds({ ...swarm, maxRounds: 400 })
        expect(result.unfinished).toEqual([])
        expect(result.grants).toBe(swarm.blocks)
      }),
      { numRuns: 40 },
    )
  })

  test('has everything although some never answer and some leave', () => {
    fc.assert(
      fc.property(fc.record({ ...sizes, deaf: fc.nat(5), leaving: fc.nat(10) }), swarm => {
        // At least one that does its work must stay.
        const peers = swarm.peers + swarm.deaf + swarm.leaving
        const result = runRounds({ ...swarm, peers, maxRounds: 4_000 })
        expect(result.unfinished).toEqual([])
      }),
      { numRuns: 40 },
    )
  })
})
