import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createFrameChannel } from '../../lib/p2p/frame-channel.ts'
import {
  downloadEndlessly,
  EXCHANGE_BLOCK_BYTES,
  type ExchangeNode,
  startExchangeNode,
} from '../helpers/block-exchange.ts'
import { expectSteadyRate } from '../helpers/steady-rate.ts'
import { LARGEST_WINDOW } from '../helpers/stream-window.ts'
import { waitFor } from '../helpers/wait.ts'

const MIB = 1024 * 1024
const PATIENCE = { timeoutMs: 20_000 }
/** Rates are looked at for longer on a busy machine. */
const SLOW = { timeout: 60_000 }
/** What is on its way between two nodes at most: windows, unsent pieces, blocks that have not come to their end. */
const SLACK = { slackBytes: 2 * MIB }

describe('the upload limit', SLOW, () => {
  test('holds over all peers together, and each gets its share', async () => {
    await using server = await startExchangeNode({ upload: 4 * MIB })
    await using first = await startExchangeNode()
    await using second = await startExchangeNode()
    await using one = downloadEndlessly(first.client(server), first.want())
    await using other = downloadEndlessly(second.client(server), second.want())
    await waitFor(() => one.bytes > 0 && other.bytes > 0, PATIENCE)
    const before = [one.bytes, other.bytes] as const
    await expectSteadyRate(4 * MIB, () => one.bytes + other.bytes, { slackBytes: 8 * EXCHANGE_BLOCK_BYTES })
    const shares = [one.bytes - before[0], other.bytes - before[1]]
    expect(Math.min(...shares) / Math.max(...shares)).toBeGreaterThan(0.8)
    expect(server.throttledSeconds.upload).toBeGreaterThan(0.5)
    expect(server.throttledSeconds.download).toBe(0)
  })

  test('can be changed while blocks are being sent', async () => {
    await using server = await startExchangeNode({ upload: 256 * 1024 })
    await using asking = await startExchangeNode()
    await using download = downloadEndlessly(asking.client(server), asking.want())
    await waitFor(() => download.bytes > 0, PATIENCE)
    server.limits.change({ upload: 5 * MIB })
    await expectSteadyRate(5 * MIB, () => server.readBytes)
    server.limits.change({ upload: 2 * MIB })
    await expectSteadyRate(2 * MIB, () => server.readBytes)
    server.limits.change({ upload: 0 })
    const before = download.bytes
    await waitFor(() => download.bytes > before + 40 * MIB, { ...PATIENCE, what: 'more than any limit allows' })
    expect(server.limits.values()).toEqual({ upload: 0, download: 0, perTask: 0, background: 0, concurrentUploads: 0 })
  })
})

describe('the download limit', SLOW, () => {
  test('holds over all peers together, and each sends its share', async () => {
    await using asking = await startExchangeNode({ download: 4 * MIB })
    await using first = await startExchangeNode()
    await using second = await startExchangeNode()
    await using one = downloadEndlessly(asking.client(first), asking.want())
    await using other = downloadEndlessly(asking.client(second), asking.want('other'))
    await waitFor(() => one.bytes > 0 && other.bytes > 0, PATIENCE)
    const before = [one.bytes, other.bytes] as const
    await expectSteadyRate(4 * MIB, () => one.bytes + other.bytes, SLACK)
    const shares = [one.bytes - before[0], other.bytes - before[1]]
    expect(Math.min(...shares) / Math.max(...shares)).toBeGreaterThan(0.8)
    expect(asking.throttledSeconds.download).toBeGreaterThan(0.5)
  })

  test('makes the other end wait, instead of keeping here what comes', async () => {
    await using asking = await startExchangeNode({ download: 5 * MIB })
    await using server = await startExchangeNode({ blockBytes: MIB })
    await using download = downloadEndlessly(asking.client(server), { ...asking.want(), open: 60, maxBytes: MIB })
    await waitFor(() => download.bytes >= 5 * MIB, PATIENCE)
    expect(server.readBytes - download.bytes).toBeLessThan(LARGEST_WINDOW + 8 * MIB)
  })

  test('can be changed while blocks come in, and they come in right', async () => {
    await using asking = await startExchangeNode({ download: 100_000 })
    await using server = await startExchangeNode()
    await using download = downloadEndlessly(asking.client(server), asking.want())
    await waitFor(() => download.bytes > 0, PATIENCE)
    asking.limits.change({ download: 5 * MIB })
    await expectSteadyRate(5 * MIB, () => download.bytes, SLACK)
    asking.limits.change({ download: 2 * MIB })
    await expectSteadyRate(2 * MIB, () => download.bytes, SLACK)
    const client = asking.client(server)
    const block = await client.fetch(
      { ...asking.want(), block: 1, maxBytes: MIB },
      { signal: AbortSignal.timeout(20_000) },
    )
    client.close()
    expect(Buffer.compare(block.bytes, server.block)).toBe(0)
    asking.limits.change({ download: 0 })
    const before = download.bytes
    await waitFor(() => download.bytes > before + 40 * MIB, { ...PATIENCE, what: 'more than any limit allows' })
  })

  test('does not count against a peer as silence', async () => {
    // A piece of 1 KiB takes two and a half seconds.
    await using asking = await startExchangeNode({ download: 400 })
    await using server = await startExchangeNode()
    const client = asking.client(server)
    await using download = downloadEndlessly(client, asking.want())
    let longestMs = 0
    await waitFor(() => {
      longestMs = Math.max(longestMs, client.silentMs)
      return asking.throttledSeconds.download > 2
    }, PATIENCE)
    expect(longestMs).toBeLessThan(1_000)
    asking.limits.change({ download: 0 })
    await waitFor(() => download.bytes > 0, PATIENCE)
    server.beforeRead = () => new Promise(() => {})
    await waitFor(() => client.silentMs > 1_000, { ...PATIENCE, what: 'silence that is the peer’s own' })
  })
})

describe('the limit of each task', SLOW, () => {
  test('holds for each of several tasks that come from the same peer', async () => {
    await using asking = await startExchangeNode({ perTask: 2 * MIB })
    await using server = await startExchangeNode()
    const client = asking.client(server)
    await using a = downloadEndlessly(client, asking.want('a'))
    await using b = downloadEndlessly(client, asking.want('b'))
    await waitFor(() => a.bytes > 0 && b.bytes > 0, PATIENCE)
    await Promise.all([
      expectSteadyRate(2 * MIB, () => a.bytes, SLACK),
      expectSteadyRate(2 * MIB, () => b.bytes, SLACK),
    ])
  })

  test('holds for one task that comes from several peers, and gives way to the limit of all', async () => {
    await using asking = await startExchangeNode({ perTask: 3 * MIB })
    await using first = await startExchangeNode()
    await using second = await startExchangeNode()
    await using one = downloadEndlessly(asking.client(first), asking.want())
    await using other = downloadEndlessly(asking.client(second), asking.want())
    await waitFor(() => one.bytes > 0 && other.bytes > 0, PATIENCE)
    await expectSteadyRate(3 * MIB, () => one.bytes + other.bytes, SLACK)
    asking.limits.change({ download: 2 * MIB })
    await expectSteadyRate(2 * MIB, () => one.bytes + other.bytes, SLACK)
    asking.limits.change({ download: 0, perTask: 5 * MIB })
    await expectSteadyRate(5 * MIB, () => one.bytes + other.bytes, SLACK)
  })

  test('does not let one task wait behind another', async () => {
    await using asking = await startExchangeNode({ perTask: 128 * 1024 })
    await using server = await startExchangeNode({ blockBytes: 256 * 1024 })
    const client = asking.client(server)
    await using slow = downloadEndlessly(client, { ...asking.want(), open: 8, maxBytes: MIB })
    await waitFor(() => asking.throttledSeconds.download > 0, PATIENCE)
    await client.fetch({ ...asking.want('other'), block: 0, maxBytes: MIB }, { signal: AbortSignal.timeout(20_000) })
    // Each block takes two seconds; there were eight before this one.
    expect(slow.bytes).toBeLessThanOrEqual(2 * 256 * 1024)
  })
})

describe('the limit of what nobody waits for', SLOW, () => {
  test('holds for all of that together, and for nothing else', async () => {
    await using asking = await startExchangeNode({ background: 2 * MIB })
    await using server = await startExchangeNode()
    const client = asking.client(server)
    const { backgroundTasks } = asking.limits.downloads
    for (const name of ['a', 'b']) backgroundTasks.add(asking.want(name).task)
    await using a = downloadEndlessly(client, asking.want('a'))
    await using b = downloadEndlessly(client, asking.want('b'))
    await using awaited = downloadEndlessly(client, asking.want('awaited'))
    await waitFor(() => a.bytes > 0 && b.bytes > 0, PATIENCE)
    const before = awaited.bytes
    await expectSteadyRate(2 * MIB, () => a.bytes + b.bytes, SLACK)
    await waitFor(() => awaited.bytes - before > 96 * MIB, { ...PATIENCE, what: 'more than the limit allows' })
  })

  test('is no limit any more once somebody waits, and can be changed meanwhile', async () => {
    await using asking = await startExchangeNode({ background: 128 * 1024 })
    await using server = await startExchangeNode()
    const { backgroundTasks } = asking.limits.downloads
    const { task } = asking.want()
    backgroundTasks.add(task)
    await using download = downloadEndlessly(asking.client(server), asking.want())
    await waitFor(() => asking.throttledSeconds.download > 0, PATIENCE)
    asking.limits.change({ background: 3 * MIB })
    await expectSteadyRate(3 * MIB, () => download.bytes, SLACK)
    backgroundTasks.delete(task)
    const before = download.bytes
    await waitFor(() => download.bytes - before > 96 * MIB, { ...PATIENCE, what: 'more than the limit allows' })
  })
})

test('what is held back holds up no other stream of the connection, and nothing the other way', async () => {
  await using asking = await startExchangeNode({ download: 10_000 })
  await using server = await startExchangeNode()
  await using held = downloadEndlessly(asking.client(server), { ...asking.want(), open: 32 })
  await waitFor(() => asking.throttledSeconds.download > 0, PATIENCE)

  const echo = await startEcho(asking, server)
  for (let round = 0; round < 50; round++) await echo.trip(Buffer.alloc(2_000, round))
  await using back = downloadEndlessly(server.client(asking), server.want())
  await waitFor(() => back.bytes > 4 * MIB, PATIENCE)
  echo.close()
  expect(held.bytes).toBe(0)
})

/** Sends messages on a stream of its own, as control and inventory streams do, and waits for each to come back. */
async function startEcho(from: ExchangeNode, to: ExchangeNode) {
  const protocol = '/test/echo/1.0.0'
  const noData = {
    dataStart: () => undefined,
    dataEnd() {},
    dataCut() {},
    closed() {},
  }
  await to.node.handle(protocol, (stream, peer) => {
    const channel = createFrameChannel(stream, peer, { ...noData, message: bytes => channel.send(bytes) })
  })
  let answered: (bytes: Uint8Array) => void = () => {}
  const stream = await from.node.dial(to.address, protocol, { signal: AbortSignal.timeout(10_000) })
  const channel = createFrameChannel(stream, to.address.id, { ...noData, message: bytes => answered(bytes) })
  return {
    close: () => channel.close(),
    async trip(message: Uint8Array) {
      const { promise, resolve } = Promise.withResolvers<Uint8Array>()
      answered = resolve
      channel.send(message)
      const back = await Promise.race([promise, delay(5_000)])
      expect(back === undefined ? 'no answer' : Buffer.compare(back, message)).toBe(0)
    },
  }
}
