import { expect, test } from 'vitest'
import { readRecording } from '../../simulation/replay/recording.ts'

const TASK = 'sha256:0000000000000000000000000000000000000000000000000000000000000000'

function log(...events: readonly (readonly [number, object])[]): string {
  return events.map(([atMs, event]) => JSON.stringify({ atMs, event })).join('\n')
}

const join = (peer: string, have = 0) => ({ type: 'join', peer, task: TASK, have, wants: true, now: 0 })
const BEGIN = [
  [0, { type: 'task-added', task: TASK, blockSizeBytes: 1024 }],
  [1, { type: 'blocks-ready', task: TASK, upTo: 2, now: 1 }],
  [2, { type: 'peer-connected', peer: 'a', labels: { zone: 'x' } }],
] as const

test('peers come when they first joined, and are complete when they reported their last block', () => {
  const { tasks, peers } = readRecording(
    log(
      ...BEGIN,
      [100, join('a')],
      [130, join('b')],
      [150, { type: 'have', peer: 'a', task: TASK, blocks: [0] }],
      [180, { type: 'have', peer: 'a', task: TASK, blocks: [1] }],
      [190, { type: 'have', peer: 'b', task: TASK, blocks: [1] }],
    ),
  )
  expect(tasks).toEqual([{ id: TASK, blockSizeBytes: 1024, blocks: 2 }])
  expect(peers).toEqual([
    { id: 'a', labels: { zone: 'x' }, arrivesAtMs: 0, completeAtMs: 80 },
    { id: 'b', labels: {}, arrivesAtMs: 30, completeAtMs: undefined },
  ])
})

test('peers that had blocks already are left out', () => {
  const { peers } = readRecording(log(...BEGIN, [3, join('a')], [4, join('b', 2)], [5, join('c')]))
  expect(peers.map(({ id }) => id)).toEqual(['a', 'c'])
})

test('what is not an event log is refused with the line', () => {
  expect(() => readRecording(`${log(...BEGIN)}\nnonsense`)).toThrow(/line 4/)
  expect(() => readRecording('{"atMs":1}')).toThrow(/line 1/)
})

test('a log of fewer than two peers is refused', () => {
  expect(() => readRecording(log(...BEGIN, [3, join('a')]))).toThrow(/fewer than two peers/)
})
