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

type Timed<E> = E extends { readonly now: number } ? Omit<E, 'now'> : E

/** An event, as data so that a counterexample can be read; its time is given by the running sum of the delays. */
type Step = { readonly delayMs: number; readonly event: Timed<SchedulerEvent> }

/** An event about the fixture's task. */
function about<Type extends string, Fields extends object>(type: Type, fields: Fields) {
  return { type, task: TASK, ...fields } as const
}

const make = {
  connected: fc
    .tuple(peer, fc.oneof({ weight: 3, arbitrary: fc.constant('east') }, { weight: 1, arbitrary: zone }))
    .map(([peer, zone]) => ({ type: 'peer-connected', peer, labels: { zone } }) as const),
  gone: peer.map(peer => ({ type: 'peer-gone', peer }) as const),
  join: fc
    .tuple(peer, blocks, fc.integer({ min: 0, max: 4 }), fc.constantFrom('normal', 'background', undefined))
    .map(([peer, blocks, kind, priority]) =>
      about('join', { peer, have: bitfieldOf(blocks), wants: kind > 0, priority }),
    ),
  leave: peer.map(peer => about('leave', { peer })),
  have: fc.tuple(peer, blocks).map(([peer, blocks]) => about('have', { peer, blocks })),
  lost: fc.tuple(peer, blocks).map(([peer, blocks]) => about('lost', { peer, blocks })),
  blocked: fc.tuple(peer, blocks).map(([peer, blocks]) => about('blocked', { peer, blocks })),
  hungry: fc.tuple(peer, blocks).map(([peer, blocks]) => about('hungry', { peer, blocks })),
  ready: fc.nat(BLOCKS).map(upTo => about('blocks-ready', { upTo })),
  report: fc
    .tuple(peer, peer, fc.constantFrom('corrupt', 'stalled', 'unreachable'))
    .map(([from, target, kind]) => about('report', { from, about: target, kind })),
  tick: fc.constant({ type: 'tick' } as const),
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
  ),
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
      return { ...event, now } as SchedulerEvent
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
