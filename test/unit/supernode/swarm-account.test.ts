import { expect, test } from 'vitest'
import { DamselflyError } from '../../../protocol/errors.ts'
import type { SupernodeToPeer } from '../../../protocol/messages/control.ts'
import { SwarmDirector } from '../../../supernode/control/swarm-director.ts'
import { createSchedulerState } from '../../../supernode/scheduler/state.ts'
import { captureLog } from '../../helpers/log-capture.ts'
import { createManualClock } from '../../helpers/manual-clock.ts'
import { NO_FETCHES } from '../../helpers/no-fetches.ts'

const STEP_MS = 3

/** A director on a clock that goes on by 3 ms whenever it is looked at, and what it counted. */
function createCountedDirector() {
  const clock = createManualClock()
  const messages: string[] = []
  const scheduledMs: number[] = []
  const components = {
    findTask: async () => undefined,
    shapeOf: async () => undefined,
    ticketVerifier: {
      verify(): never {
        throw new DamselflyError('TICKET_INVALID')
      },
    },
    clock: {
      ...clock,
      now() {
        clock.advance(STEP_MS)
        return clock.now()
      },
    },
    logger: captureLog().logger,
    account: {
      report() {},
      granted() {},
      invalidMessage() {},
      message: (direction: string) => void messages.push(direction),
      scheduled: (elapsedMs: number) => void scheduledMs.push(elapsedMs),
    },
    replicas: { linked() {}, gone() {}, kept() {}, refused() {} },
    fetches: NO_FETCHES,
    expulsions: { current: () => [] },
    forbidden: () => [],
    refuse() {},
    uploads: { expect() {} },
    record() {},
  }
  return { director: new SwarmDirector(components, createSchedulerState(1)), messages, scheduledMs }
}

test('every message of a control stream is counted, the hello too', async () => {
  const { director, messages } = createCountedDirector()
  const sent: SupernodeToPeer[] = []
  director.connected(
    { address: { id: 'a', addresses: [] }, labels: {}, agent: 'test', keeps: false, fetches: false },
    message => void sent.push(message),
  )
  expect(messages).toEqual(['received'])
  await director.receive('a', { type: 'ping' })
  expect(sent).toEqual([{ type: 'pong' }])
  expect(messages).toEqual(['received', 'received', 'sent'])
  await director.receive('stranger', { type: 'ping' })
  expect(messages).toHaveLength(3)
})

test('the time of each event in the scheduler is counted', () => {
  const { director, scheduledMs } = createCountedDirector()
  const gone = director.connected(
    { address: { id: 'a', addresses: [] }, labels: {}, agent: 'test', keeps: false, fetches: false },
    () => {},
  )
  gone()
  expect(scheduledMs).toEqual([STEP_MS, STEP_MS])
})
