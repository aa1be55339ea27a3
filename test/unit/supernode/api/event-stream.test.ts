import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { answerWithEvents, type ServerSentEvent } from '../../../../supernode/api/event-stream.ts'
import { createManualClock, type ManualClock } from '../../../helpers/manual-clock.ts'
import { waitFor } from '../../../helpers/wait.ts'

/** More than what sockets keep between two programs. */
const EVENT_BYTES = 4 * 1024 * 1024

let clock: ManualClock
let stack: AsyncDisposableStack
let made: number
let response: ServerResponse
let client: IncomingMessage

async function* manyEvents(): AsyncGenerator<ServerSentEvent> {
  for (; made < 20; ) {
    made++
    yield { id: String(made), event: 'x', data: { text: 'x'.repeat(EVENT_BYTES) } }
  }
}

/** A client that has asked for many large events, and reads nothing so far. */
beforeEach(async () => {
  clock = createManualClock()
  made = 0
  stack = new AsyncDisposableStack()
  const server = createServer((_request, answer) => {
    response = answer
    stack.defer(() => done)
    const done = answerWithEvents(answer, manyEvents, { clock })
  }).listen(0, '127.0.0.1')
  stack.defer(() => void server.close())
  stack.defer(() => server.closeAllConnections())
  await once(server, 'listening')
  const asked = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  asked.on('error', () => {})
  client = (await once(asked, 'response'))[0] as IncomingMessage
  client.on('error', () => {})
  await waitFor(() => response.writableNeedDrain, { timeoutMs: 5_000, what: 'a full connection' })
})

afterEach(() => stack.disposeAsync())

test('no event is made before the client has taken the last', async () => {
  const before = made
  for (let turn = 0; turn < 50; turn++) await setImmediate()
  expect([made, response.writableLength < (before + 1) * EVENT_BYTES]).toEqual([before, true])
  client.resume()
  await once(client, 'end')
  expect(made).toBe(20)
})

test('nobody is told that it is alive who does not read, and at last he is hung up on', async () => {
  const waiting = response.writableLength
  clock.advance(45_000)
  expect([response.writableLength, response.destroyed]).toEqual([waiting, false])
  clock.advance(15_000)
  expect(response.destroyed).toBe(true)
})
