import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isOver } from '../../supernode/preheat/plan/apply.ts'
import type { PlanEffect } from '../../supernode/preheat/plan/state.ts'
import { linkedNode, PLAN_CONFIG, PlanFixture, planTask } from '../helpers/plan-fixture.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e']
const name = fc.constantFrom(...NAMES)
const content = fc.nat(3)
const reason = { code: 'BLOCK_LATE', message: '' }

const event = fc.oneof(
  content.map(content => ({ type: 'opened', content, task: planTask(content) }) as const),
  content.map(content => ({ type: 'read', content }) as const),
  fc
    .tuple(content, fc.boolean(), fc.constantFrom('BLOB_UNKNOWN', 'ORIGIN_UNREACHABLE'))
    .map(
      ([content, retryable, code]) =>
        ({ type: 'read-failed', content, retryable, reason: { code, message: '' } }) as const,
    ),
  name.map(name => ({ type: 'linked', node: linkedNode(name, { zone: name < 'c' ? 'x' : 'y' }) }) as const),
  name.map(name => ({ type: 'gone', peer: `node${name}` }) as const),
  fc
    .tuple(name, content)
    .map(([name, content]) => ({ type: 'fetched', peer: `node${name}`, task: planTask(content) }) as const),
  fc
    .tuple(name, content)
    .map(([name, content]) => ({ type: 'not-fetched', peer: `node${name}`, task: planTask(content), reason }) as const),
  fc.constant({ type: 'tick' } as const),
)
const steps = fc.array(fc.record({ delayMs: fc.constantFrom(0, 100, 1_000, 6_000), event }), {
  maxLength: 80,
  size: 'max',
})
const job = fc.record({
  scope: fc.constantFrom('all', 'supernode', 'count:2', 'percent:50', 'labels:zone=x', 'nodes:a,d'),
  standing: fc.boolean(),
  nodes: fc.subarray(NAMES),
  contents: fc.array(fc.record({ isOptional: fc.boolean() }), { minLength: 1, maxLength: 4 }),
})

describe('the plan of a job, for any sequence of events', () => {
  test('asks for nothing twice, keeps its bounds, and ends once', () => {
    fc.assert(
      fc.property(steps, job, (steps, job) => {
        const plan = new PlanFixture({ ...job, deadlineMs: 40_000 })
        const asked = new Set<string>()
        for (const { delayMs, event } of [{ delayMs: 0, event: { type: 'tick' } as const }, ...steps]) {
          plan.nowMs += delayMs
          const wasOver = isOver(plan.state)
          if (event.type === 'gone' || event.type === 'linked')
            forget(asked, event.type === 'gone' ? event.peer : event.node.id)
          if (event.type === 'fetched' || event.type === 'not-fetched') {
            asked.delete(`${event.peer} ${plan.state.contents.findIndex(({ task }) => task === event.task)}`)
          }
          const effects = plan.apply(event)
          if (wasOver) expect(effects).toEqual([])
          for (const effect of effects) account(asked, effect)
          check(plan)
        }
        if (isOver(plan.state)) expect([...asked]).toEqual([])
        expect(plan.outcomes.filter(({ state }) => state !== 'standing').length).toBe(Number(isOver(plan.state)))
      }),
      { numRuns: 300 },
    )
  })

  test('has an end by its deadline, unless it is standing and rests', () => {
    fc.assert(
      fc.property(steps, job, (steps, job) => {
        const plan = new PlanFixture({ ...job, deadlineMs: 40_000 })
        for (const { event } of steps) plan.apply(event)
        plan.tick(60_000)
        expect(plan.outcome).toBeDefined()
      }),
      { numRuns: 200 },
    )
  })
})

function forget(asked: Set<string>, peer: string): void {
  for (const entry of asked) if (entry.startsWith(`${peer} `)) asked.delete(entry)
}

function account(asked: Set<string>, effect: PlanEffect): void {
  if (effect.type === 'fetch') {
    expect(asked.has(`${effect.peer} ${effect.content}`)).toBe(false)
    asked.add(`${effect.peer} ${effect.content}`)
  }
  // A stop may cross with the answer of a node that was not asked any more.
  if (effect.type === 'stop') asked.delete(`${effect.peer} ${effect.content}`)
}

function check({ state }: PlanFixture): void {
  const nodes = [...state.nodes.values()]
  expect(nodes.filter(node => node.state === 'fetching').length).toBeLessThanOrEqual(PLAN_CONFIG.nodesAtOnce)
  const reading = state.contents.filter(content => content.state === 'reading' || content.state === 'open')
  expect(reading.length).toBeLessThanOrEqual(PLAN_CONFIG.contentsAtOnce)
  if (state.scope.kind === 'count' || state.scope.kind === 'percent') {
    const active = nodes.filter(node => node.state !== 'failed').length
    expect(active).toBeLessThanOrEqual(Math.max(3, state.wantedNodes))
  }
  for (const node of nodes) {
    if (node.state === 'failed' || node.state === 'away') expect([...node.asked]).toEqual([])
    for (const index of node.done) expect(node.asked.has(index)).toBe(false)
  }
  if (state.outcome?.state === 'succeeded') {
    const done = nodes.filter(node => node.state === 'done')
    for (const node of done)
      for (const [index, content] of state.contents.entries())
        expect(content.state === 'skipped' || node.done.has(index)).toBe(true)
    expect(state.contents.every(content => content.state === 'done' || content.state === 'skipped')).toBe(true)
  }
}
