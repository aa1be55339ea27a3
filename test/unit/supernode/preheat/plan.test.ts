import { describe, expect, test } from 'vitest'
import { linkedNode, PLAN_CONFIG, PlanFixture, said } from '../../../helpers/plan-fixture.ts'

const one = [{ isOptional: false }]

describe('a job for all nodes', () => {
  test('has the supernode read each content, and nodes fetch what it has begun to read', () => {
    const plan = new PlanFixture({ contents: [...one, ...one, ...one] })
    expect(plan.tick()).toEqual(['read 0', 'read 1'])
    expect(plan.opened(0)).toEqual(['fetch a 0', 'fetch b 0'])
    expect(plan.read(0)).toEqual(['read 2'])
    expect(plan.opened(1)).toEqual(['fetch a 1', 'fetch b 1'])
    expect(plan.fetched('a', 0)).toEqual([])
    expect(plan.opened(2)).toEqual(['fetch a 2', 'fetch b 2'])
    for (const content of [1, 2]) plan.read(content)
    const left = [
      ['a', 1],
      ['a', 2],
      ['b', 0],
      ['b', 1],
    ] as const
    for (const [node, content] of left) expect(plan.fetched(node, content)).toEqual([])
    expect(plan.fetched('b', 2)).toEqual(['succeeded'])
    expect(plan.outcome).toEqual({ state: 'succeeded', reason: undefined })
  })

  test('lets only so many fetch at once', () => {
    const plan = new PlanFixture({ contents: one, nodes: ['a', 'b', 'c', 'd', 'e'] })
    plan.tick()
    expect(plan.opened(0)).toEqual(['fetch a 0', 'fetch b 0', 'fetch c 0'])
    plan.read(0)
    expect(plan.fetched('b', 0)).toEqual(['fetch d 0'])
  })

  test('is for those that are linked when it begins, unless it is standing', () => {
    for (const standing of [false, true]) {
      const plan = new PlanFixture({ contents: one, standing })
      plan.finish()
      expect(plan.outcome?.state).toBe(standing ? 'standing' : 'succeeded')
      expect(said(plan.apply({ type: 'linked', node: linkedNode('late') }))).toEqual(standing ? ['fetch late 0'] : [])
      expect(plan.outcome?.state).toBe(standing ? undefined : 'succeeded')
      if (standing) expect(plan.fetched('late', 0)).toEqual(['standing'])
    }
  })

  test('without any node is done when the supernode has it', () => {
    const plan = new PlanFixture({ nodes: [] })
    plan.finish()
    expect(plan.outcome?.state).toBe('succeeded')
  })

  test('waits a while for a node that has gone, and asks it anew when it comes back', () => {
    const plan = new PlanFixture({ contents: one })
    plan.tick()
    plan.opened(0)
    plan.read(0)
    plan.fetched('a', 0)
    plan.apply({ type: 'gone', peer: 'nodeb' })
    expect(plan.outcome).toBeUndefined()
    expect(said(plan.apply({ type: 'linked', node: linkedNode('b') }))).toEqual(['fetch b 0'])
    plan.apply({ type: 'gone', peer: 'nodeb' })
    expect(plan.tick(4_999)).toEqual([])
    expect(plan.tick(1)).toEqual(['succeeded'])
  })
})

describe('who fails', () => {
  test('a node is asked again after pauses that double, and then the job fails and says who it was', () => {
    const plan = new PlanFixture({ contents: one })
    plan.tick()
    plan.opened(0)
    plan.read(0)
    plan.fetched('a', 0)
    expect(plan.notFetched('b', 0)).toEqual([])
    expect(plan.tick(999)).toEqual([])
    expect(plan.tick(1)).toEqual(['fetch b 0'])
    plan.notFetched('b', 0)
    expect(plan.tick(1_999)).toEqual([])
    expect(plan.tick(1)).toEqual(['fetch b 0'])
    expect(plan.notFetched('b', 0)).toEqual(['failed'])
    expect(plan.outcome?.reason).toEqual({
      code: 'BLOCK_LATE',
      message: '1 of 2 nodes do not have it: b could not fetch it (it did not come)',
    })
  })

  test('a node at which the content is blocked is not asked again', () => {
    const plan = new PlanFixture({ contents: one, nodes: ['a'] })
    plan.tick()
    plan.opened(0)
    plan.read(0)
    expect(plan.notFetched('a', 0, 'TASK_BLOCKED')).toEqual(['failed'])
  })

  test('a node that fails with many contents at once, as when its supernode is busy, is asked again for all of them', () => {
    const contents = Array.from({ length: 2 * PLAN_CONFIG.triesOfNode }, () => ({ isOptional: false }))
    const plan = new PlanFixture({ nodes: ['a'], contents, config: { contentsAtOnce: contents.length } })
    plan.tick()
    for (const content of contents.keys()) plan.opened(content)
    for (const content of contents.keys()) {
      expect(plan.notFetched('a', content, 'SUPERNODE_UNREACHABLE')).toEqual([])
    }
    expect(plan.tick(PLAN_CONFIG.firstPauseMs)).toEqual([...contents.keys()].map(content => `fetch a ${content}`))
  })

  test('a registry that is down for a minute is asked until it is back; nodes are not blamed for it', () => {
    const plan = new PlanFixture({ contents: one, nodes: ['a'], deadlineMs: 120_000 })
    plan.tick()
    plan.opened(0)
    expect(plan.readFailed(0, 'ORIGIN_UNREACHABLE', true)).toEqual(['stop a 0'])
    expect(plan.notFetched('a', 0)).toEqual([])
    const asked: number[] = []
    for (let second = 1; second <= 60; second++) {
      if (plan.tick(1_000).length === 0) continue
      asked.push(second)
      plan.readFailed(0, 'ORIGIN_UNREACHABLE', true)
    }
    expect(asked).toEqual([1, 3, 7, 15, 23, 31, 39, 47, 55])
    plan.tick(8_000)
    expect(plan.opened(0)).toEqual(['fetch a 0'])
    plan.read(0)
    expect(plan.fetched('a', 0)).toEqual(['succeeded'])
  })

  test('a content that the origin does not give ends the job, and whoever fetches stops', () => {
    const plan = new PlanFixture()
    plan.tick()
    plan.opened(0)
    expect(plan.readFailed(1, 'DENIED', false)).toEqual(['stop a 0', 'stop b 0', 'failed'])
    expect(plan.outcome?.reason).toEqual({ code: 'DENIED', message: 'it said DENIED' })
    expect(plan.tick(1_000)).toEqual([])
  })

  test('a layer that registries need not have is left out where they do not have it', () => {
    const plan = new PlanFixture({ contents: [...one, { isOptional: true }], nodes: ['a'] })
    plan.tick()
    plan.opened(0)
    plan.read(0)
    expect(plan.readFailed(1, 'BLOB_UNKNOWN', false)).toEqual([])
    expect(plan.fetched('a', 0)).toEqual(['succeeded'])
    expect(plan.state.contents[1]?.state).toBe('skipped')
  })

  test('what is not done in time has failed, with the reason', () => {
    const plan = new PlanFixture({ contents: one, deadlineMs: 10_000 })
    plan.tick()
    plan.readFailed(0, 'ORIGIN_UNREACHABLE', true)
    plan.tick(9_000)
    expect(plan.outcome).toEqual({
      state: 'failed',
      reason: {
        code: 'ORIGIN_UNREACHABLE',
        message: '1 of 1 contents were not read in time: it said ORIGIN_UNREACHABLE',
      },
    })
  })

  test('a job that is cancelled has everybody stop', () => {
    const plan = new PlanFixture({ contents: one })
    plan.tick()
    plan.opened(0)
    expect(said(plan.apply({ type: 'cancelled' }))).toEqual(['stop a 0', 'stop b 0', 'cancelled'])
    expect(plan.fetched('a', 0)).toEqual([])
  })
})

describe('a job for so many nodes', () => {
  test('takes them from as many zones as there are, and another in the place of one that fails', () => {
    const nodes = [linkedNode('a', { zone: 'x' }), linkedNode('b', { zone: 'x' }), linkedNode('c', { zone: 'y' })]
    const plan = new PlanFixture({ contents: one, scope: 'count:2', nodes })
    plan.tick()
    expect(plan.opened(0)).toEqual(['fetch a 0', 'fetch c 0'])
    plan.read(0)
    plan.fetched('a', 0)
    expect(plan.notFetched('c', 0, 'TASK_BLOCKED')).toEqual(['fetch b 0'])
    expect(plan.fetched('b', 0)).toEqual(['succeeded'])
  })

  test('waits for more when there are not enough, and says in the end how many were missing', () => {
    const plan = new PlanFixture({ contents: one, scope: 'count:3' })
    plan.finish()
    expect(plan.outcome).toBeUndefined()
    plan.tick(60_000)
    expect(plan.outcome?.reason).toEqual({
      code: 'PEER_UNKNOWN',
      message: '1 of 3 nodes do not have it: 1 more nodes are not linked; start them, or ask for fewer',
    })
  })

  test('may be a part of those that are linked', () => {
    const plan = new PlanFixture({ contents: one, scope: 'percent:25', nodes: ['a', 'b', 'c', 'd', 'e'] })
    plan.tick()
    expect(plan.opened(0)).toEqual(['fetch a 0', 'fetch b 0'])
  })
})

describe('a job for certain nodes', () => {
  test('may name them by their labels, of which there must be some', () => {
    const gpu = linkedNode('g', { zone: 'x', ...{ pool: 'gpu' } })
    const plan = new PlanFixture({ contents: one, scope: 'labels:zone=x,pool=gpu', nodes: ['a', gpu] })
    plan.tick()
    expect(plan.opened(0)).toEqual(['fetch g 0'])
    const none = new PlanFixture({ contents: one, scope: 'labels:pool=tpu' })
    none.finish()
    expect(none.outcome).toMatchObject({ state: 'failed', reason: { code: 'PEER_UNKNOWN' } })
  })

  test('waits for one that is named and not linked, until the deadline', () => {
    const plan = new PlanFixture({ contents: one, scope: 'nodes:a,nodeb,z' })
    plan.finish()
    expect(plan.outcome).toBeUndefined()
    plan.tick(60_000)
    expect(plan.outcome).toEqual({
      state: 'failed',
      reason: {
        code: 'PEER_UNKNOWN',
        message: '1 of 3 nodes do not have it: never linked: z; start dfdaemon there, or leave them out',
      },
    })
  })

  test('may name them by IP address', () => {
    const plan = new PlanFixture({ contents: one, scope: `nodes:${linkedNode('b').ips[0]}` })
    plan.tick()
    expect(plan.opened(0)).toEqual(['fetch b 0'])
  })

  test('takes one that is named whenever it comes', () => {
    const plan = new PlanFixture({ contents: one, scope: 'nodes:z' })
    plan.finish()
    expect(said(plan.apply({ type: 'linked', node: linkedNode('z') }))).toEqual(['fetch z 0'])
    expect(plan.fetched('z', 0)).toEqual(['succeeded'])
  })

  test.each(['supernode', 'supernodes'])('may be for the %s alone', scope => {
    const plan = new PlanFixture({ contents: one, scope })
    plan.tick()
    expect(plan.opened(0)).toEqual([])
    expect(plan.read(0)).toEqual(['succeeded'])
  })
})
