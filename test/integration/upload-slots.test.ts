import type { Stream } from '@libp2p/interface'
import { expect, onTestFinished, test } from 'vitest'
import { encodeMessageFrame, FrameDecoder } from '../../protocol/frame.ts'
import { blockRequestCodec } from '../../protocol/messages/block-exchange.ts'
import { BLOCK_PROTOCOL } from '../../protocol/protocol-ids.ts'
import { type ExchangeNode, startExchangeNode } from '../helpers/block-exchange.ts'
import { createManualClock } from '../helpers/manual-clock.ts'
import { LARGEST_WINDOW, untilSettled } from '../helpers/stream-window.ts'
import { waitFor } from '../helpers/wait.ts'

const KIB = 1024
const PATIENCE = { timeoutMs: 20_000 }

/** Asks for a block, as a peer does that reads what it is sent. */
function ask(asking: ExchangeNode, server: ExchangeNode, block: number, signal = AbortSignal.timeout(20_000)) {
  const client = asking.client(server)
  onTestFinished(() => client.close())
  return client.fetch({ ...asking.want(), block, maxBytes: 4096 * KIB }, { signal })
}

/** Asks for blocks and reads none of them. */
async function askWithoutReading(asking: ExchangeNode, server: ExchangeNode, blocks: number): Promise<Stream> {
  const stream = await asking.node.dial(server.address, BLOCK_PROTOCOL, { signal: AbortSignal.timeout(10_000) })
  stream.pause()
  const { task, ticket } = asking.want()
  stream.send(encodeMessageFrame(blockRequestCodec.encode({ type: 'open', task, ticket })))
  for (let id = 0; id < blocks; id++) {
    stream.send(encodeMessageFrame(blockRequestCodec.encode({ type: 'get', id, task, block: id, count: 1 })))
  }
  return stream
}

/** Holds up every read of blocks until it is let go; tells which blocks have been begun. */
function holdReads(server: ExchangeNode) {
  const begun: number[] = []
  const waiting = new Map<number, () => void>()
  server.beforeRead = block => {
    begun.push(block)
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting.set(block, resolve)
    return promise
  }
  return { begun, letGo: (block: number) => waiting.get(block)?.() }
}

test('no more blocks are sent at once than there are slots, and the others come in the order in which they were asked for', async () => {
  await using server = await startExchangeNode({ concurrentUploads: 2 })
  const { begun, letGo } = holdReads(server)
  const peers = await Promise.all(Array.from({ length: 5 }, () => startExchangeNode()))
  const answers: Promise<unknown>[] = []
  for (const [block, peer] of peers.entries()) {
    onTestFinished(() => peer[Symbol.asyncDispose]())
    answers.push(ask(peer, server, block))
    if (block < 2) await waitFor(() => begun.length === block + 1, PATIENCE)
    else await waitFor(() => server.limits.uploads.slots.waiting === block - 1, PATIENCE)
  }
  expect(begun).toEqual([0, 1])
  letGo(1)
  await answers[1]
  await waitFor(() => begun.length === 3, PATIENCE)
  expect(begun).toEqual([0, 1, 2])
  server.limits.change({ concurrentUploads: 3 })
  await waitFor(() => begun.length === 4, PATIENCE)
  for (const block of [0, 2, 3]) letGo(block)
  await waitFor(() => begun.length === 5, PATIENCE)
  letGo(4)
  await Promise.all(answers)
  expect(begun).toEqual([0, 1, 2, 3, 4])
})

test('a receiver that does not read loses its slot while others wait, and gets the rest when it reads again', async () => {
  const clock = createManualClock()
  await using server = await startExchangeNode({ concurrentUploads: 1, blockBytes: 2048 * KIB, clock })
  await using hung = await startExchangeNode()
  await using other = await startExchangeNode()
  const stream = await askWithoutReading(hung, server, 1)
  await untilSettled(() => server.readBytes)
  const answer = ask(other, server, 7)
  await waitFor(() => server.limits.uploads.slots.waiting === 1, PATIENCE)
  clock.advance(1_900)
  expect(server.limits.uploads.slots.waiting).toBe(1)
  clock.advance(400)
  expect((await answer).bytes.length).toBe(2048 * KIB)
  expect(server.sentBytes).toBe(2048 * KIB)

  const received = new Uint8Array(2048 * KIB)
  let isWhole = false
  const decoder = new FrameDecoder({
    message: () => expect.unreachable('a message'),
    dataStart: () => received,
    dataEnd() {
      isWhole = true
    },
    dataCut: () => expect.unreachable('a cut'),
  })
  stream.addEventListener('message', ({ data }) => decoder.push(data.subarray()))
  stream.resume()
  await waitFor(() => isWhole, { ...PATIENCE, what: 'the rest of the block' })
  expect(Buffer.from(received).equals(server.block)).toBe(true)
  stream.abort(new Error('done'))
})

test('a sender that waits for its disk keeps its slot', async () => {
  const clock = createManualClock()
  await using server = await startExchangeNode({ concurrentUploads: 1, blockBytes: 1024 * KIB, clock })
  const { begun, letGo } = holdReads(server)
  await using first = await startExchangeNode()
  await using second = await startExchangeNode()
  const one = ask(first, server, 1)
  await waitFor(() => begun.length === 1, PATIENCE)
  letGo(1)
  await waitFor(() => begun.length === 2, PATIENCE)
  const two = ask(second, server, 2)
  await waitFor(() => server.limits.uploads.slots.waiting === 1, PATIENCE)
  clock.advance(60_000)
  expect(server.limits.uploads.slots.waiting).toBe(1)
  letGo(1)
  await one
  for (const pieces of [3, 4]) {
    await waitFor(() => begun.length === pieces, PATIENCE)
    letGo(2)
  }
  await two
  expect(begun).toEqual([1, 1, 2, 2])
})

test('a stream that ends gives its slot back at once', async () => {
  // Time stands still, so no slot is taken away.
  const clock = createManualClock()
  await using server = await startExchangeNode({ concurrentUploads: 1, blockBytes: 2048 * KIB, clock })
  await using hung = await startExchangeNode()
  await using other = await startExchangeNode()
  const stream = await askWithoutReading(hung, server, 1)
  await untilSettled(() => server.readBytes)
  const answer = ask(other, server, 7)
  await waitFor(() => server.limits.uploads.slots.waiting === 1, PATIENCE)
  stream.abort(new Error('had enough'))
  expect((await answer).bytes.length).toBe(2048 * KIB)
})

test('a request that was withdrawn while it waited is not answered', async () => {
  await using server = await startExchangeNode({ concurrentUploads: 1 })
  const { begun, letGo } = holdReads(server)
  await using first = await startExchangeNode()
  await using second = await startExchangeNode()
  const one = ask(first, server, 1)
  await waitFor(() => begun.length === 1, PATIENCE)
  const withdrawn = new AbortController()
  const two = ask(second, server, 2, withdrawn.signal)
  await waitFor(() => server.limits.uploads.slots.waiting === 1, PATIENCE)
  withdrawn.abort(new Error('got it elsewhere'))
  await expect(two).rejects.toThrow('got it elsewhere')
  const three = ask(second, server, 3)
  await waitFor(() => server.limits.uploads.slots.waiting === 2, PATIENCE)
  letGo(1)
  await one
  await waitFor(() => begun.length === 2, PATIENCE)
  letGo(3)
  await three
  expect(begun).toEqual([1, 3])
})

test('blocks wait on the disk, not in memory, for a receiver that has stopped reading', async () => {
  await using server = await startExchangeNode({ blockBytes: 512 * KIB })
  await using asking = await startExchangeNode()
  const stream = await askWithoutReading(asking, server, 100)
  let received = 0
  stream.addEventListener('message', ({ data }) => {
    received += data.byteLength
    if (received > 4096 * KIB && stream.readStatus === 'readable') stream.pause()
  })
  stream.resume()
  await waitFor(() => received > 4096 * KIB, PATIENCE)
  await untilSettled(() => server.readBytes)
  expect(server.readBytes - received).toBeLessThan(LARGEST_WINDOW + 8 * 1024 * KIB)
  stream.abort(new Error('done'))
})
