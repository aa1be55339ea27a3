import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BlockBuffers } from '../../../../lib/blocks/block-buffers.ts'
import { cutBlocks } from '../../../../lib/blocks/cut-blocks.ts'
import { seededBytes } from '../../../helpers/blob.ts'

async function* chunked(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const length = cuts[turn % cuts.length] ?? 1
    yield bytes.subarray(at, at + length)
    at += length
  }
}

test('blocks together are the stream, and all but the last are full', async () => {
  const sizes = fc.integer({ min: 0, max: 500 })
  const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 5 })
  await fc.assert(
    fc.asyncProperty(sizes, cuts, fc.integer({ min: 1, max: 70 }), async (sizeBytes, lengths, blockSizeBytes) => {
      const bytes = seededBytes(sizeBytes)
      const blocks: Uint8Array[] = []
      for await (const block of cutBlocks(chunked(bytes, lengths), blockSizeBytes, new BlockBuffers())) {
        blocks.push(Uint8Array.from(block.bytes))
        block.release()
      }
      expect(Buffer.concat(blocks).equals(bytes)).toBe(true)
      expect(blocks.length).toBe(Math.ceil(sizeBytes / blockSizeBytes))
      expect(blocks.slice(0, -1).every(block => block.length === blockSizeBytes)).toBe(true)
    }),
  )
})

test('a block that is held keeps its bytes while others come', async () => {
  const bytes = seededBytes(64 * 1024 * 4)
  const held = []
  for await (const block of cutBlocks(chunked(bytes, [10_000]), 64 * 1024, new BlockBuffers())) held.push(block)
  expect(Buffer.concat(held.map(block => block.bytes)).equals(bytes)).toBe(true)
})

test('memory that was given back is used again', async () => {
  const seen = new Set<ArrayBufferLike>()
  for await (const block of cutBlocks(chunked(seededBytes(64 * 1024 * 4), [10_000]), 64 * 1024, new BlockBuffers())) {
    seen.add(block.bytes.buffer)
    block.release()
  }
  expect(seen.size).toBe(1)
})

test('a stream that fails hands its failure on', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(3)
    throw new Error('broken off')
  }
  const blocks = cutBlocks(broken(), 2, new BlockBuffers())
  expect((await blocks.next()).value?.bytes.length).toBe(2)
  await expect(blocks.next()).rejects.toThrow('broken off')
})
