import { expect, test } from 'vitest'
import { RunsAhead } from '../../../dfget/peer/task/runs-ahead.ts'
import type { BlockBuffer } from '../../../lib/blocks/block-buffers.ts'

const BLOCK = 256 * 1024

/** Content of which runs are read, and what is asked of it. */
function fakeContent({ complete = true, blockSizeBytes = BLOCK } = {}) {
  const asked: string[] = []
  let held = 0
  let failure: Error | undefined
  async function run(from: number, to: number): Promise<BlockBuffer> {
    asked.push(`${from}-${to}`)
    if (failure !== undefined) throw failure
    held++
    const bytes = new Uint8Array((to - from) * blockSizeBytes)
    return { bytes, retain: () => void held++, release: () => void held-- }
  }
  const fail = (error: Error | undefined) => {
    failure = error
  }
  return { content: { complete, blockSizeBytes, run }, asked, held: () => held, fail }
}

test('reads a mebibyte, and the next one before it is asked for, to the end and no further', async () => {
  const { content, asked, held } = fakeContent()
  const runs = new RunsAhead(content, 11)
  const first = await runs.take(1)
  expect(first?.bytes.length).toBe(4 * BLOCK)
  expect(asked).toEqual(['1-5', '5-9'])
  first?.release()
  const second = await runs.take(5)
  expect(asked).toEqual(['1-5', '5-9', '9-11'])
  second?.release()
  const third = await runs.take(9)
  expect(third?.bytes.length).toBe(2 * BLOCK)
  third?.release()
  expect(asked).toHaveLength(3)
  runs.close()
  expect(held()).toBe(0)
})

test('leaves a single block, and content that is still coming, to those who ask for blocks', async () => {
  const last = fakeContent()
  await expect(new RunsAhead(last.content, 4).take(3)).resolves.toBeUndefined()
  const large = fakeContent({ blockSizeBytes: 4 * BLOCK })
  await expect(new RunsAhead(large.content, 9).take(0)).resolves.toBeUndefined()
  const coming = fakeContent({ complete: false })
  await expect(new RunsAhead(coming.content, 9).take(0)).resolves.toBeUndefined()
  expect([last.asked, large.asked, coming.asked]).toEqual([[], [], []])
})

test('gives back what nobody reads any more', async () => {
  const { content, held } = fakeContent()
  const runs = new RunsAhead(content, 100)
  const first = await runs.take(0)
  first?.release()
  // Somebody who goes on elsewhere.
  const elsewhere = await runs.take(50)
  elsewhere?.release()
  runs.close()
  await Promise.resolve()
  expect(held()).toBe(0)
})

test('what cannot be read is left to those who ask for blocks, and what follows is tried again', async () => {
  const { content, asked, fail } = fakeContent()
  const runs = new RunsAhead(content, 100)
  fail(new Error('the disk does not answer'))
  await expect(runs.take(0)).resolves.toBeUndefined()
  fail(undefined)
  await expect(runs.take(1)).resolves.toBeDefined()
  expect(asked).toEqual(['0-4', '1-5', '5-9'])
})
