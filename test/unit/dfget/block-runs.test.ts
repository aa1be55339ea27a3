import { expect, test } from 'vitest'
import { appendToRuns, type BlockGet, type BlockRun } from '../../../dfget/peer/exchange/block-runs.ts'
import { MAX_RUN_BLOCKS } from '../../../protocol/messages/block-exchange.ts'
import { parseTaskId } from '../../../protocol/task.ts'

const [A, B] = ['a', 'b'].map(digit => parseTaskId(`sha256:${digit.repeat(64)}`)) as [
  BlockGet['task'],
  BlockGet['task'],
]

function runsOf(gets: readonly BlockGet[]): BlockRun[] {
  const runs: BlockRun[] = []
  for (const get of gets) appendToRuns(runs, get)
  return runs
}

test('blocks that follow each other are one run', () => {
  expect(runsOf([3, 4, 5].map((block, id) => ({ id, task: A, block })))).toEqual([
    { id: 0, task: A, block: 3, count: 3 },
  ])
})

test.for<[string, BlockGet]>([
  ['a gap', { id: 8, task: A, block: 5 }],
  ['a step back', { id: 8, task: A, block: 2 }],
  ['the same block again', { id: 8, task: A, block: 3 }],
  ['another task', { id: 8, task: B, block: 4 }],
  ['a request in between that went elsewhere', { id: 9, task: A, block: 4 }],
])('%s begins another run', ([, next]) => {
  const first = { id: 7, task: A, block: 3 }
  expect(runsOf([first, next])).toEqual([
    { ...first, count: 1 },
    { ...next, count: 1 },
  ])
})

test('a run has no more blocks than a request may ask for', () => {
  const blocks = Array.from({ length: MAX_RUN_BLOCKS + 2 }, (_, block) => ({ id: block, task: A, block }))
  expect(runsOf(blocks).map(({ count }) => count)).toEqual([MAX_RUN_BLOCKS, 2])
})
