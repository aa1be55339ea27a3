import { expect, onTestFinished, test } from 'vitest'
import { BackgroundGate } from '../../lib/limits/background-gate.ts'
import { type ExchangeNode, startExchangeNode } from '../helpers/block-exchange.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { waitFor } from '../helpers/wait.ts'

const KIB = 1024
const BLOCK_BYTES = 1024 * KIB
const PIECE_BYTES = 64 * KIB
const PATIENCE = { timeoutMs: 20_000 }

/** A server that is busy with what somebody else waits for, until it is told that it is not, and a peer that has joined two tasks. */
async function startBusyServer(stack: AsyncDisposableStack) {
  const clock = createManualClock()
  const gate = new BackgroundGate(clock)
  const asking = stack.use(await startExchangeNode())
  const preheat = asking.want('preheat')
  const isBackground = (task: string) => task === preheat.task
  const server = stack.use(
    await startExchangeNode({ blockBytes: BLOCK_BYTES, concurrentUploads: 1, clock, priority: { isBackground, gate } }),
  )
  return { clock, gate, asking, server, preheat, quiet: gate.awaited() }
}

/** Asks on one stream, as a peer does. */
function asker(asking: ExchangeNode, server: ExchangeNode) {
  const client = asking.client(server)
  onTestFinished(() => client.close())
  return (
    want: { task: ReturnType<ExchangeNode['want']>['task']; ticket: string },
    signal = AbortSignal.timeout(20_000),
  ) => client.fetch({ ...want, block: 0, maxBytes: BLOCK_BYTES }, { signal })
}

const firstPiece = (server: ExchangeNode) =>
  waitFor(() => server.readBytes === PIECE_BYTES, { ...PATIENCE, what: 'a piece' })

test('what nobody waits for comes in pieces while others wait for something, and at once afterwards', async () => {
  await using stack = new AsyncDisposableStack()
  const { clock, asking, server, preheat, quiet } = await startBusyServer(stack)
  const block = asker(asking, server)(preheat)
  await firstPiece(server)
  clock.advance(500)
  await waitFor(() => server.readBytes === 2 * PIECE_BYTES, { ...PATIENCE, what: 'another piece' })
  quiet()
  clock.advance(499)
  expect(server.readBytes).toBe(2 * PIECE_BYTES)
  clock.advance(1)
  expect((await block).bytes.length).toBe(BLOCK_BYTES)
})

test('it holds no upload slot, nor anybody up who waits for something', async () => {
  await using stack = new AsyncDisposableStack()
  const { asking, server, preheat } = await startBusyServer(stack)
  const block = asker(asking, server)(preheat)
  await firstPiece(server)
  const other = stack.use(await startExchangeNode())
  expect((await asker(other, server)(other.want('pull'))).bytes.length).toBe(BLOCK_BYTES)
  await expect(Promise.race([block, Promise.resolve('waiting')])).resolves.toBe('waiting')
  // The server stops first, and with it what waits there.
  block.catch(() => {})
})

test('a peer that waits for something itself gets both at once, on the same stream', async () => {
  await using stack = new AsyncDisposableStack()
  const { asking, server, preheat } = await startBusyServer(stack)
  const ask = asker(asking, server)
  const block = ask(preheat)
  await firstPiece(server)
  expect((await ask(asking.want('pull'))).bytes.length).toBe(BLOCK_BYTES)
  expect((await block).bytes.length).toBe(BLOCK_BYTES)
})

test('what is not wanted any more holds nothing up', async () => {
  await using stack = new AsyncDisposableStack()
  const { asking, server, preheat } = await startBusyServer(stack)
  const ask = asker(asking, server)
  const unwanted = new AbortController()
  const block = ask(preheat, unwanted.signal)
  await firstPiece(server)
  unwanted.abort(new Error('not wanted'))
  await expect(block).rejects.toThrow('not wanted')
  expect((await ask(asking.want('pull'))).bytes.length).toBe(BLOCK_BYTES)
  expect(server.readBytes).toBe(PIECE_BYTES + BLOCK_BYTES)
})
