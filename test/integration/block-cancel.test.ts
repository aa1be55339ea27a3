import { expect, test } from 'vitest'
import { startExchangeNode } from '../helpers/block-exchange.ts'
import { waitFor } from '../helpers/wait.ts'

const BLOCK_BYTES = 4 * 1024 * 1024
const PATIENCE = { timeoutMs: 10_000 }

test('a block that is not wanted any more is cut, and what is asked for next comes', async () => {
  await using sender = await startExchangeNode({ blockBytes: BLOCK_BYTES })
  await using receiver = await startExchangeNode()
  const client = receiver.client(sender)
  const want = { ...receiver.want(), maxBytes: BLOCK_BYTES }
  const gate = Promise.withResolvers<void>()
  let reads = 0
  sender.beforeRead = () => (++reads === 2 ? gate.promise : undefined)

  const cancelled = new AbortController()
  const unwanted = expect(client.fetch({ ...want, block: 0 }, cancelled)).rejects.toThrow('not wanted')
  await waitFor(() => reads === 2, PATIENCE)
  cancelled.abort(new Error('not wanted'))
  await unwanted
  // The answer to this comes in the middle of the block, and says that the cancellation before it has arrived.
  const denied = { ...receiver.want('other'), ticket: 'forged', block: 0, maxBytes: BLOCK_BYTES }
  await expect(client.fetch(denied, new AbortController())).rejects.toMatchObject({ code: 'TICKET_INVALID' })

  gate.resolve()
  const block = await client.fetch({ ...want, block: 1 }, new AbortController())
  expect(Buffer.from(block.bytes).equals(sender.block)).toBe(true)
  // Two pieces of what was cancelled, and no more.
  expect(reads).toBe(2 + BLOCK_BYTES / (512 * 1024))
  expect(sender.sentBytes).toBe(sender.readBytes)
  client.close()
})

test('a sender that breaks a block off itself fails the request, not the stream', async () => {
  await using sender = await startExchangeNode({ blockBytes: BLOCK_BYTES })
  await using receiver = await startExchangeNode()
  const client = receiver.client(sender)
  const want = { ...receiver.want(), maxBytes: BLOCK_BYTES }
  sender.beforeRead = block => {
    if (block === 0 && sender.readBytes > 0) throw new Error('the disk has failed')
  }
  await expect(client.fetch({ ...want, block: 0 }, new AbortController())).rejects.toThrow('broke a block off')
  const block = await client.fetch({ ...want, block: 1 }, new AbortController())
  expect(Buffer.from(block.bytes).equals(sender.block)).toBe(true)
  client.close()
})
