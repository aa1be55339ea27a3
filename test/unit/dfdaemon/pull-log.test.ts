import { expect, test } from 'vitest'
import { pullHeader } from '../../../dfdaemon/pulls/pull-header.ts'
import { PullLog } from '../../../dfdaemon/pulls/pull-log.ts'
import { emptyAccount } from '../../../dfget/peer/task/account.ts'
import { DamselflyError } from '../../../protocol/errors.ts'
import { taskIdOfDigest } from '../../../protocol/task.ts'
import { captureLog } from '../../helpers/log-capture.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { digestOfText } from '../../helpers/trial-fixture.ts'

const TASK = taskIdOfDigest(digestOfText('content'))
const SUBJECT = {
  url: `https://registry.example/v2/a/blobs/${TASK}?signature=secret`,
  registry: 'registry.example',
  repository: 'a',
  client: 'containerd/1.6.20',
}

function pullLog() {
  const clock = createManualClock(1_000)
  const { logger, text } = captureLog()
  const lines = () =>
    text()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  return { clock, lines, pulls: new PullLog({ clock, logger }) }
}

test('a pull is told while it runs, and once in the log when it ends', () => {
  const { clock, lines, pulls } = pullLog()
  const pull = pulls.begin(SUBJECT)
  clock.advance(10)
  expect(pulls.list()).toMatchObject([{ id: 1, state: 'running', durationMs: 10, task: null, sizeBytes: null }])

  pull.opened({ taskId: TASK, sizeBytes: 5 })
  pull.account.peerBytes = 5
  pull.completed()
  pull.failed(new Error('too late'))
  clock.advance(10)
  expect(pulls.list()).toEqual([
    {
      id: 1,
      startedAt: 1_000,
      durationMs: 10,
      state: 'complete',
      errorCode: null,
      url: `https://registry.example/v2/a/blobs/${TASK}`,
      registry: 'registry.example',
      repository: 'a',
      client: 'containerd/1.6.20',
      task: TASK,
      sizeBytes: 5,
      account: { ...emptyAccount(), peerBytes: 5 },
    },
  ])
  expect(lines()).toHaveLength(1)
  expect(lines()[0]).toMatchObject({ msg: 'pulled', task: TASK, state: 'complete', peerBytes: 5, originReasons: [] })
  expect(JSON.stringify(lines())).not.toContain('secret')
})

test('the newest come first, by task, registry or repository, and the oldest are forgotten', () => {
  const { pulls } = pullLog()
  for (const repository of ['a', 'b', 'a'])
    pulls.begin({ ...SUBJECT, repository }).opened({ taskId: TASK, sizeBytes: 1 })
  const ids = (filter: Parameters<PullLog['list']>[0]) => pulls.list(filter).map(({ id }) => id)
  expect(ids({})).toEqual([3, 2, 1])
  expect(ids({ repository: 'a' })).toEqual([3, 1])
  expect(ids({ repository: 'a', limit: 1 })).toEqual([3])
  expect(ids({ task: taskIdOfDigest(digestOfText('other')) })).toEqual([])
  expect(ids({ registry: 'other.example' })).toEqual([])
  for (let more = 0; more < 2_000; more++) pulls.begin(SUBJECT)
  expect(ids({}).length).toBe(2_000)
  expect(ids({}).at(-1)).toBe(4)
})

test('a pull that fails keeps its code, one whose client leaves keeps none', () => {
  const { pulls } = pullLog()
  pulls.begin(SUBJECT).cutShort()
  pulls.begin(SUBJECT).failed(new DamselflyError('UNAUTHORIZED'))
  pulls.begin(SUBJECT).failed(new Error('a bug'))
  expect(pulls.list().map(({ state, errorCode }) => [state, errorCode])).toEqual([
    ['failed', 'INTERNAL'],
    ['failed', 'UNAUTHORIZED'],
    ['cut-short', null],
  ])
})

test.each([
  [undefined, {}, 'id=7, disk=0, peers=0, supernode=0, origin=0'],
  [TASK, { diskBytes: 3 }, `id=7, task="${TASK}", disk=3, peers=0, supernode=0, origin=0`],
  [
    TASK,
    {
      originBytes: 4,
      originReasons: [{ why: 'not-registered', code: 'SUPERNODE_UNREACHABLE' }, { why: 'swarm-silent' }],
    },
    `id=7, task="${TASK}", disk=0, peers=0, supernode=0, origin=4, reason="not-registered SUPERNODE_UNREACHABLE, swarm-silent"`,
  ],
] as const)('the header of task %s with %j', (task, account, text) => {
  const originReasons = [...('originReasons' in account ? account.originReasons : [])]
  expect(pullHeader(7, task, { ...emptyAccount(), ...account, originReasons })).toBe(text)
})
