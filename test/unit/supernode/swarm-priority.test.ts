import { beforeEach, expect, test } from 'vitest'
import type { TaskBlocks } from '../../../lib/blocks/block-store.ts'
import { silentLogger } from '../../../lib/logger.ts'
import { BlockMap } from '../../../protocol/block-map.ts'
import type { TaskId } from '../../../protocol/task.ts'
import { SwarmDirector } from '../../../supernode/control/swarm-director.ts'
import { createSchedulerState } from '../../../supernode/scheduler/state.ts'
import { SeedTask } from '../../../supernode/seed/seed-task.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { NO_FETCHES } from '../../helpers/no-fetches.ts'

const TASK = `sha256:${'a'.repeat(64)}` as TaskId
const PEERS = ['a', 'b'] as const

let director: SwarmDirector
/** How often pulls were to be expected. */
let expected: number

beforeEach(() => {
  expected = 0
  const nothing = () => {}
  const task = new SeedTask(TASK, {} as TaskBlocks, new BlockMap(1024 * 1024, undefined))
  task.state = 'reading'
  director = new SwarmDirector(
    {
      findTask: async id => (id === TASK ? task : undefined),
      shapeOf: async () => task.map,
      ticketVerifier: { verify: (_ticket, { peer }) => ({ task: TASK, peer, expiresAt: 1 }) },
      clock: createManualClock(),
      logger: silentLogger(),
      account: { report: nothing, granted: nothing, invalidMessage: nothing, message: nothing, scheduled: nothing },
      replicas: { linked: nothing, gone: nothing, kept: nothing, refused: nothing },
      fetches: NO_FETCHES,
      expulsions: { current: () => [] },
      forbidden: () => [],
      refuse: nothing,
      uploads: { expect: () => void expected++ },
      record: nothing,
    },
    createSchedulerState(1),
  )
  for (const id of PEERS) {
    director.connected({ address: { id, addresses: [] }, labels: {}, agent: '', keeps: false, fetches: true }, nothing)
  }
})

function join(peer: (typeof PEERS)[number], priority?: 'normal' | 'background'): Promise<void> {
  const wanted = { type: 'join', task: TASK, ticket: '', have: new Uint8Array(0) } as const
  return director.receive(peer, priority === undefined ? wanted : { ...wanted, priority })
}

test('blocks are to be expected to be asked for by who joins because somebody waits, and by who does not say', async () => {
  await join('a', 'background')
  expect(expected).toBe(0)
  await join('a', 'normal')
  expect(expected).toBe(1)
  await join('b')
  expect(expected).toBe(2)
})

test('a task is for the background as long as peers want it, and nobody waits for it at any of them', async () => {
  expect(director.isForBackground(TASK)).toBe(false)
  await join('a', 'background')
  await join('b', 'background')
  expect(director.isForBackground(TASK)).toBe(true)
  await join('b', 'normal')
  expect(director.isForBackground(TASK)).toBe(false)
  await director.receive('b', { type: 'leave', task: TASK })
  expect(director.isForBackground(TASK)).toBe(true)
  await director.receive('a', { type: 'leave', task: TASK })
  expect(director.isForBackground(TASK)).toBe(false)
})
