import { expect, test } from 'vitest'
import { drawScheduler, type SchedulerFigures, schedulerJson } from '../../../bench/scheduler/figures.ts'
import { measureScheduler } from '../../../bench/scheduler/measure-scheduler.ts'
import { EVENT_KINDS } from '../../../bench/scheduler/workload.ts'

const FIGURES: SchedulerFigures = {
  peers: 15_000,
  blocks: 2_000,
  laps: {
    joins: { count: 30_000, cpuMs: 300 },
    ready: { count: 250, cpuMs: 50 },
    answers: { count: 2_750, cpuMs: 25.4 },
    haves: { count: 3_750_000, cpuMs: 5_000 },
    blocked: { count: 25_000, cpuMs: 100 },
    hungry: { count: 25_000, cpuMs: 50 },
    ticks: { count: 250, cpuMs: 25 },
  },
  bytesPerMember: 1_234.5,
  bitfieldBytesPerMember: 256.4,
  conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.0512 },
}

test('the figures for programs are events a second of each kind and of all, and memory', () => {
  expect(schedulerJson(FIGURES)).toEqual({
    peers: 15_000,
    blocks: 2_000,
    eventsPerSecond: 690_626,
    perSecond: {
      joins: 100_000,
      ready: 5_000,
      answers: 108_268,
      haves: 750_000,
      blocked: 250_000,
      hungry: 500_000,
      ticks: 10_000,
    },
    events: 3_833_250,
    cpuMs: 5_550,
    bytesPerMember: 1_235,
    bitfieldBytesPerMember: 256,
    conditions: { node: 'v24.0.0', cpus: 2, cpuModel: 'Example', loadBefore: 0.125, foreignCpuShare: 0.051 },
  })
})

test('the table for people has a line for each kind, memory, and the conditions', () => {
  const lines = drawScheduler(FIGURES).split('\n')
  expect(lines.slice(0, 2).map(line => line.trim().split(/ {2,}/))).toEqual([
    ['events', 'CPU ms', 'events/s'],
    ['joins', '30000', '300', '100000'],
  ])
  expect(lines.slice(8)).toEqual([
    'all          3833250        5550      690626',
    '',
    '15000 members, 2000 blocks, 8 blocks in a message; one thread.',
    'Memory for each member: 1.2 KiB, and 256 B of bitfield.',
    '2 × Example, Node v24.0.0. Load average at the start: 0.13; other programs took 5 % of the processor time.',
    '',
  ])
})

test('a small run comes to its end, and every kind of event is among it', () => {
  const { laps, peers } = measureScheduler({ peers: 60, blocks: 100, json: true })
  expect(peers).toBe(60)
  for (const kind of EVENT_KINDS) expect(laps[kind].count).toBeGreaterThan(0)
  expect(laps.joins.count).toBe(120)
  expect(laps.haves.count).toBe(60 * 13)
})
