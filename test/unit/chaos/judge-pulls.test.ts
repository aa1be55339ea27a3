import { expect, test } from 'vitest'
import { boundsFor, STRICT_BOUNDS, WIDE_BOUNDS } from '../../chaos/invariants/bounds.ts'
import { judgePulls } from '../../chaos/invariants/judge-pulls.ts'
import type { PullReport } from '../../chaos/load/client-words.ts'
import type { FinishedPull } from '../../chaos/load/run-load.ts'
import type { FaultKind, HappenedFault } from '../../chaos/plan/fault.ts'

function pull(report: Partial<PullReport> = {}): FinishedPull {
  return {
    planned: { id: 1, node: 'node-1', image: 3, atMs: 0, inPieces: false },
    report: {
      ...{
        id: 1,
        startedAt: 10_000,
        endedAt: 20_000,
        bytes: 100,
        wrongBytes: 0,
        longestStallMs: 500,
        stalledAt: 12_000,
      },
      ...{ fallbacks: [], breaks: [], ...report },
    },
  }
}

function fault(kind: FaultKind, target: string, beganAtMs: number, healedAtMs: number): HappenedFault {
  const forMs = Math.min(healedAtMs - beganAtMs, 4_000)
  return { id: 1, kind, target, atMs: beganAtMs, forMs, beganAtMs, healingAtMs: beganAtMs + forMs, healedAtMs }
}

test('a good pull is counted, with its stall', () => {
  const judgement = judgePulls([pull()], [], STRICT_BOUNDS)
  expect(judgement).toMatchObject({ pulls: 1, failed: 0, wrongBytes: 0, longestStallMs: 500, excused: 0, problems: [] })
})

test.each<[string, number, { failed: number }]>([
  ['while it is started again', 16_500, { failed: 0 }],
  ['before that', 13_000, { failed: 1 }],
])('an answer of a node that was put out, cut %s', (_, at, expected) => {
  const revoked = [fault('node-revoke', 'node-1', 12_000, 17_000)]
  const judgement = judgePulls([pull({ breaks: [{ at, what: 'ECONNRESET' }] })], revoked, STRICT_BOUNDS)
  expect(judgement).toMatchObject({ brokenOff: 1, ...expected })
})

test.each<[string, HappenedFault[], { failed: number; excused: number }]>([
  ['while all is well', [], { failed: 1, excused: 0 }],
  ['while the registry was away', [fault('registry-kill', 'registry', 15_000, 17_000)], { failed: 0, excused: 1 }],
  ['long after the registry was away', [fault('registry-kill', 'registry', 1_000, 3_000)], { failed: 1, excused: 0 }],
  ['while its dfdaemon was dead', [fault('dfdaemon-kill', 'node-1', 15_000, 17_000)], { failed: 1, excused: 0 }],
  ['while the supernode was dead', [fault('supernode-kill', 'supernode', 9_000, 21_000)], { failed: 1, excused: 0 }],
])('a pull that fails %s', (_, faults, expected) => {
  expect(judgePulls([pull({ error: 'no' })], faults, STRICT_BOUNDS)).toMatchObject(expected)
})

test.each<[string, HappenedFault[], number]>([
  ['without a reason', [], 1],
  ['by the death of its own dfdaemon', [fault('dfdaemon-kill', 'node-1', 14_500, 17_000)], 0],
  ['while another dfdaemon died', [fault('dfdaemon-kill', 'node-2', 14_500, 17_000)], 1],
])('an answer that is cut %s', (_, faults, failed) => {
  const judgement = judgePulls([pull({ breaks: [{ at: 15_000, what: 'ECONNRESET' }] })], faults, STRICT_BOUNDS)
  expect(judgement).toMatchObject({ failed, brokenOff: 1 })
})

test('wrong bytes are never excused', () => {
  const faults = [fault('registry-kill', 'registry', 0, 30_000)]
  const judgement = judgePulls([pull({ wrongBytes: 7, error: 'wrong bytes' })], faults, STRICT_BOUNDS)
  expect(judgement).toMatchObject({ wrongBytes: 7, problems: [{ kind: 'wrong-bytes', atMs: 20_000 }] })
})

test('a stall counts without the time in which the origin was away', () => {
  const stalled = pull({ longestStallMs: 12_000, stalledAt: 11_000 })
  expect(judgePulls([stalled], [], STRICT_BOUNDS)).toMatchObject({
    longestStallMs: 12_000,
    problems: [{ kind: 'stalled' }],
  })
  const faults = [fault('registry-freeze', 'registry', 10_000, 16_000)]
  expect(judgePulls([stalled], faults, STRICT_BOUNDS)).toMatchObject({ longestStallMs: 7_000, problems: [] })
})

test('a machine with other things to do has wide bounds, for time and for nothing else', () => {
  expect([boundsFor(0), boundsFor(0.1), boundsFor(0.11)]).toEqual([STRICT_BOUNDS, STRICT_BOUNDS, WIDE_BOUNDS])
  const pulls = [pull({ longestStallMs: 12_000 }), pull({ error: 'no' }), pull({ wrongBytes: 7, error: 'wrong' })]
  const kinds = judgePulls(pulls, [], WIDE_BOUNDS).problems.map(({ kind }) => kind)
  expect(kinds).toEqual(['failed', 'wrong-bytes', 'failed'])
})
